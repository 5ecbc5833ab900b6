// How the factors of LoRA start. Pure functions of seed and module name, whatever the order of construction.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>

#include "core/grid/parallel.h"
#include "core/base/random.h"

namespace collie::lora {

// Random numbers of one tensor.
Random stream(uint64_t seed, const std::string& name);
// Fills A [rank, in] as PEFT does: uniform in +-1/sqrt(in) (Kaiming with a = sqrt(5)). Of some columns, what the whole has there.
void init_a(const at::Tensor& a, uint64_t seed, const std::string& module, const Slice& columns = {});
// Independent normal values around zero.
void fill_normal(const at::Tensor& tensor, double deviation, Random& random);

}  // namespace collie::lora
