#include "engine/export/merge.h"

#include <ATen/ops/add.h>

#include <algorithm>
#include <set>

#include "core/base/error.h"
#include "core/model/families/family.h"
#include "core/plan/model_tensors.h"
#include "engine/checkpoint/tensor_io.h"
#include "engine/export/file_rows.h"
#include "engine/peft/merge_rule.h"

namespace collie {
namespace {

constexpr std::string_view kWeight = ".weight", kBias = ".bias";

// Weights that are trained whole are their own merge.
MergeRule rule_of(const MethodSpec& method) {
  const MergeRule* rule = MergeRegistration::find(method.type);
  return rule ? *rule : MergeRule{};
}

bool mergeable(const MethodSpec& method) {
  return !has_adapter(method) || MergeRegistration::find(method.type) != nullptr;
}

bool all_biased(const ModelTraits& t) { return t.qkv_bias && t.o_bias && t.mlp_bias; }
bool takes_biases(const ModelConfig& model) {
  return family_of(model).biases == Biases::settable || all_biased(model.traits);
}

}  // namespace

void check_mergeable(const MethodSpec& method, const ModelConfig& model) {
  if (!mergeable(method))
    throw Error(
        "request.invalid",
        "What method " + method.type + " adds is no change of the model's weights, so it cannot be merged into them.",
        peft_method(method.type).layer ? "Use the checkpoint itself, here." : "Export it with --kind adapter.",
        {{"method", method.type}});
  if (rule_of(method).biases && !takes_biases(model))
    throw Error("request.invalid",
                "Models of family " + model.family + " have no place for biases on all linears, so those that method " +
                    method.type + " trains cannot be merged into one.",
                "Use the checkpoint itself, here, or train another method.",
                {{"method", method.type}, {"family", model.family}});
}

std::optional<at::Tensor> Merger::merged(const TensorView& base) {
  const std::vector<FilePart> parts = file_parts(model_, base.name, base.shape.empty() ? 0 : base.shape[0]);
  if (!parts[0].transposed) return merged_parts(base, parts);
  std::vector<std::byte> turned;
  const std::optional<at::Tensor> merged = merged_parts(transposed_view(base, turned), parts);
  return merged ? std::optional(merged->t().contiguous()) : std::nullopt;
}

std::optional<at::Tensor> Merger::merged_parts(const TensorView& base, const std::vector<FilePart>& parts) {
  if (parts.size() == 1) {
    TensorView logical = base;
    logical.name = parts[0].logical;
    return merged_part(logical);
  }
  std::optional<at::Tensor> all;
  std::vector<std::byte> gathered;
  for (const FilePart& part : parts) {
    const std::optional<at::Tensor> merged = merged_part(rows_of_view(base, part.logical, part.rows, gathered));
    if (!merged) continue;
    if (!all) all = as_tensor(base).clone();
    const at::Tensor place = file_rows(*all, part.rows);
    place.copy_(merged->view(place.sizes()));
  }
  return all;
}

std::optional<at::Tensor> Merger::merged_part(const TensorView& base) {
  const at::ScalarType type = scalar_type(base.dtype);
  if (trained_.find(base.name)) {
    ++used_;
    const at::Tensor trained = as_tensor(trained_.at(base.name, base.shape));
    const bool adds = rule_of(spec_.method).biases && base.name.ends_with(kBias);
    return (adds ? at::add(as_tensor(base).to(at::kFloat), trained) : trained).to(type);
  }
  const MergeRule rule = rule_of(spec_.method);
  if (!rule.weight || !base.name.ends_with(kWeight)) return std::nullopt;
  const std::string module = base.name.substr(0, base.name.size() - kWeight.size());
  const auto own = trained_.tensors().lower_bound(module + ".");
  if (own == trained_.tensors().end() || !own->first.starts_with(module + ".")) return std::nullopt;
  const ModuleTensors adapter = [&](const std::string& rest) {
    ++used_;
    return as_tensor(trained_.at(module + rest));
  };
  return rule.weight(spec_.method, as_tensor(base).to(at::kFloat), adapter).to(type);
}

std::vector<std::string> Merger::added() const {
  std::vector<std::string> names;
  if (!rule_of(spec_.method).biases) return names;
  std::set<std::string> there;
  for (const NamedShape& tensor : model_tensors(model_)) there.insert(tensor.name);
  for (const auto& [name, view] : trained_.tensors())
    if (name.ends_with(kBias) && !there.contains(name)) names.push_back(name);
  return names;
}

at::Tensor Merger::added(const std::string& name, DType dtype) {
  ++used_;
  return as_tensor(trained_.at(name)).to(scalar_type(dtype));
}

void Merger::check_all_used() const {
  if (used_ == trained_.tensors().size()) return;
  throw Error("checkpoint.mismatch",
              "Only " + std::to_string(used_) + " of " + std::to_string(trained_.tensors().size()) +
                  " trained tensors belong to the base model " + spec_.model + ".",
              "Export with the model that the run was started with.", {{"model", spec_.model}});
}

void configure_merged(nlohmann::json& config, const MethodSpec& method, const ModelConfig& model) {
  if (!rule_of(method).biases || all_biased(model.traits)) return;
  config["attention_bias"] = true;
  config["mlp_bias"] = true;
}

}  // namespace collie
