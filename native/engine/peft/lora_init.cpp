#include "engine/peft/lora_init.h"

#include <ATen/ops/empty.h>

#include <cmath>
#include <numbers>

namespace collie::lora {
namespace {

uint64_t hash_name(const std::string& name) {  // FNV-1a
  uint64_t hash = 0xcbf29ce484222325ull;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ull;
  return hash;
}

}  // namespace

Random stream(uint64_t seed, const std::string& name) { return Random(seed, hash_name(name)); }

void init_a(const at::Tensor& a, uint64_t seed, const std::string& module, const Slice& columns) {
  Random random = stream(seed, module);
  const bool whole = columns.dim < 0;
  const int64_t in = whole ? a.size(1) : columns.whole;
  const double bound = 1.0 / std::sqrt(static_cast<double>(in));
  const at::Tensor host = at::empty({a.size(0), in}, at::TensorOptions().dtype(at::kFloat));
  float* values = host.mutable_data_ptr<float>();
  for (int64_t i = 0; i < host.numel(); ++i) values[i] = static_cast<float>((2 * random.uniform() - 1) * bound);
  a.copy_(whole ? host : host.narrow(1, columns.range.begin, columns.range.size));
}

void fill_normal(const at::Tensor& tensor, double deviation, Random& random) {
  const at::Tensor host = at::empty(tensor.sizes(), at::TensorOptions().dtype(at::kFloat));
  float* values = host.mutable_data_ptr<float>();
  for (int64_t i = 0; i < host.numel(); i += 2) {  // Box and Muller 1958
    const double radius = deviation * std::sqrt(-2 * std::log(1 - random.uniform()));
    const double angle = 2 * std::numbers::pi * random.uniform();
    values[i] = static_cast<float>(radius * std::cos(angle));
    if (i + 1 < host.numel()) values[i + 1] = static_cast<float>(radius * std::sin(angle));
  }
  tensor.copy_(host);
}

}  // namespace collie::lora
