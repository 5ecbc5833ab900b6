// LoRA (Hu et al. 2021, arXiv 2106.09685): which projections get an adapter, what its tensors are called and how they start.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

namespace collie {

// y = x W^T + (alpha / rank) dropout(x) A^T B^T.
struct LoraOptions {
  int64_t rank = 16;
  double alpha = 32;
  double dropout = 0;
  std::vector<std::string> target_modules;  // of q_proj k_proj v_proj o_proj gate_proj up_proj down_proj
};

// Whether a computation goes through the adapter or sees the base model only.
enum class AdapterUse { off, on };

namespace lora {

// Throws spec.invalid for a rank below 1, dropout outside [0, 1), no or unknown target modules.
void check(const LoraOptions& options);

// Fills A [rank, in] as PEFT does: uniform in +-1/sqrt(in) (Kaiming with a = sqrt(5)). A pure function of seed and module
// name, whatever the order of construction.
void init_a(const at::Tensor& a, uint64_t seed, const std::string& module);

std::string name_of_a(const std::string& module);  // "<module>.lora_A.weight"
std::string name_of_b(const std::string& module);

}  // namespace lora
}  // namespace collie
