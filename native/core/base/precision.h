// Number format of weights and activations while computing (trained weights and optimizer states are fp32 either way), and where.
#pragma once

namespace collie {

enum class Precision { fp32, bf16 };

enum class DeviceType { cpu, cuda };

// What a rank computes with.
struct Computes {
  Precision precision = Precision::fp32;
  DeviceType device = DeviceType::cpu;
};

// How the frozen linears of decoder layers are held; nf4: core/formats/nf4.h.
enum class Quantization { none, nf4 };

}  // namespace collie
