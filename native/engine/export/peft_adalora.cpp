// AdaLoRA in PEFT's format: only the ranks that are left are stored, the config's rank_pattern says which.
#include <ATen/ops/empty.h>
#include <ATen/ops/index_select.h>

#include <algorithm>

#include "engine/export/peft_rows.h"
#include "engine/checkpoint/tensor_io.h"

namespace collie::peft {

using nlohmann::json;

namespace {

constexpr std::string_view kValues = ".lora_E";

// Which ranks have a value; at least the first, as tensors without any rows are not for every reader. Its value being zero, it
// adds nothing.
std::vector<bool> kept_ranks(const StoredTensor& values) {
  const at::Tensor e = as_tensor(values);
  std::vector<bool> kept;
  bool any = false;
  for (int64_t i = 0; i < e.numel(); ++i) {
    kept.push_back(e.const_data_ptr<float>()[i] != 0);
    any |= kept.back();
  }
  if (!any && !kept.empty()) kept[0] = true;
  return kept;
}

at::Tensor indices(const std::vector<bool>& kept) {
  std::vector<int64_t> rows;
  for (size_t i = 0; i < kept.size(); ++i)
    if (kept[i]) rows.push_back(static_cast<int64_t>(i));
  const at::Tensor index = at::empty({static_cast<int64_t>(rows.size())}, at::TensorOptions().dtype(at::kLong));
  std::copy(rows.begin(), rows.end(), index.mutable_data_ptr<int64_t>());
  return index;
}

}  // namespace

// The schedule has been run: a total of the steps done, no steps before and after.
void configure_adalora(json& config, const TrainedWeights& from) {
  const MethodSpec& method = from.spec.method;
  configure_common_factors(config, from);
  json pattern = json::object();
  for (const auto& [name, view] : from.file.tensors())
    if (name.ends_with(kValues)) pattern[name] = kept_ranks(view);
  config.update({{"r", 8},  // PEFT's default; it does not read it
                 {"init_r", method.integer("init_rank")},
                 {"target_r", method.integer("target_rank")},
                 {"tinit", 0},
                 {"tfinal", 0},
                 {"deltaT", method.integer("interval")},
                 {"beta1", method.number("beta1")},
                 {"beta2", method.number("beta2")},
                 {"orth_reg_weight", method.number("orthogonality")},
                 {"total_step", std::max<int64_t>(from.step, 1)},
                 {"rank_pattern", pattern}});
}

std::optional<PeftTensor> export_adalora(const TrainedWeights& from, const StoredTensor& tensor) {
  const size_t dot = tensor.name.rfind(".lora_");
  if (dot == std::string::npos)
    return PeftTensor{peft_name(tensor.name), tensor.shape, [&tensor] { return as_tensor(tensor); }};
  const at::Tensor kept = indices(kept_ranks(from.file.at(tensor.name.substr(0, dot) + std::string(kValues))));
  const int64_t dim = tensor.name.ends_with(".lora_B") ? 1 : 0;
  std::vector<int64_t> shape = tensor.shape;
  shape[static_cast<size_t>(dim)] = kept.numel();
  return PeftTensor{peft_name(tensor.name), shape,
                    [&tensor, kept, dim] { return at::index_select(as_tensor(tensor), dim, kept); }};
}

}  // namespace collie::peft
