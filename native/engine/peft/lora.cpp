#include "engine/peft/lora.h"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "core/error.h"
#include "core/random.h"

namespace collie::lora {
namespace {

constexpr std::array<const char*, 7> kTargets = {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"};

uint64_t hash_name(const std::string& name) {  // FNV-1a
  uint64_t hash = 0xcbf29ce484222325ull;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ull;
  return hash;
}

}  // namespace

void check(const LoraOptions& options) {
  if (options.rank < 1)
    throw Error("spec.invalid", "LoRA rank is " + std::to_string(options.rank), "Use a rank of at least 1.");
  if (!(options.dropout >= 0 && options.dropout < 1))
    throw Error("spec.invalid", "LoRA dropout is " + std::to_string(options.dropout), "Use a share from 0 to below 1.");
  if (options.target_modules.empty())
    throw Error("spec.invalid", "LoRA has no target modules", "Name at least one, for example q_proj and v_proj.");
  for (const std::string& target : options.target_modules)
    if (std::find(kTargets.begin(), kTargets.end(), target) == kTargets.end())
      throw Error("spec.invalid", "LoRA target module \"" + target + "\" is unknown",
                  "Known are q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj and down_proj.", {{"received", target}});
}

void init_a(const at::Tensor& a, uint64_t seed, const std::string& module) {
  Random random(seed, hash_name(module));
  const double bound = 1.0 / std::sqrt(static_cast<double>(a.size(1)));
  const at::Tensor host = at::empty(a.sizes(), at::TensorOptions().dtype(at::kFloat));
  float* values = host.mutable_data_ptr<float>();
  for (int64_t i = 0; i < host.numel(); ++i) values[i] = static_cast<float>((2 * random.uniform() - 1) * bound);
  a.copy_(host);
}

std::string name_of_a(const std::string& module) { return module + ".lora_A.weight"; }
std::string name_of_b(const std::string& module) { return module + ".lora_B.weight"; }

}  // namespace collie::lora
