// How the factors of LoRA start.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>

namespace collie::lora {

// Fills A [rank, in] as PEFT does: uniform in +-1/sqrt(in) (Kaiming with a = sqrt(5)). A pure function of seed and module
// name, whatever the order of construction.
void init_a(const at::Tensor& a, uint64_t seed, const std::string& module);

}  // namespace collie::lora
