// Number format of weights and activations while computing. Trained weights and optimizer states are fp32 either way.
#pragma once

namespace collie {

enum class Precision { fp32, bf16 };

// How the frozen linears of decoder layers are held; nf4: core/formats/nf4.h.
enum class Quantization { none, nf4 };

}  // namespace collie
