// Number format of weights and activations while computing. Trained weights and optimizer states are fp32 either way.
#pragma once

namespace collie {

enum class Precision { fp32, bf16 };

}  // namespace collie
