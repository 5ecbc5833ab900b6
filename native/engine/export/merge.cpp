#include "engine/export/merge.h"

#include <ATen/ops/add.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/div.h>

#include <algorithm>
#include <set>

#include "core/base/error.h"
#include "core/model/families/family.h"
#include "core/plan/model_tensors.h"
#include "engine/checkpoint/tensor_io.h"
#include "engine/export/file_rows.h"

namespace collie {
namespace {

constexpr std::string_view kWeight = ".weight", kBias = ".bias";
constexpr double kRankOffset = 1e-5;  // as in engine/peft/adalora_adapter.cpp

// The adapter of one module: its tensors by the rest of their names.
class ModuleTensors {
 public:
  ModuleTensors(const ShardedTensors& file, std::string module) : file_(file), module_(std::move(module)) {}
  bool has(const std::string& rest) const { return file_.find(module_ + rest) != nullptr; }
  at::Tensor operator()(const std::string& rest) {
    ++used_;
    return as_tensor(file_.at(module_ + rest));
  }
  size_t used() const { return used_; }

 private:
  const ShardedTensors& file_;
  std::string module_;
  size_t used_ = 0;
};

// `weight` fp32 [out, in], changed or replaced.
using Merge = at::Tensor (*)(const MethodSpec& method, const at::Tensor& weight, ModuleTensors& adapter);

at::Tensor merge_lora(const MethodSpec& method, const at::Tensor& weight, ModuleTensors& adapter) {
  const at::Tensor update = at::mm(adapter(".lora_B.weight"), adapter(".lora_A.weight"));
  return at::add(weight, update, method.lora_scale());
}

at::Tensor merge_dora(const MethodSpec& method, const at::Tensor& weight, ModuleTensors& adapter) {
  const at::Tensor sum = merge_lora(method, weight, adapter);
  const at::Tensor norms = at::linalg_vector_norm(sum, 2, {1});
  return at::mul(sum, at::div(adapter(".lora_magnitude_vector.weight"), norms).unsqueeze(1));
}

at::Tensor merge_pissa(const MethodSpec& method, const at::Tensor& weight, ModuleTensors& adapter) {
  const at::Tensor start = at::mm(adapter(".lora_B.weight.start"), adapter(".lora_A.weight.start"));
  return merge_lora(method, at::add(weight, start, -method.lora_scale()), adapter);
}

at::Tensor merge_adalora(const MethodSpec& method, const at::Tensor& weight, ModuleTensors& adapter) {
  const at::Tensor update = at::mm(adapter(".lora_B"), at::mul(adapter(".lora_A"), adapter(".lora_E")));
  return at::add(weight, update,
                 method.number("alpha") / (static_cast<double>(method.integer("init_rank")) + kRankOffset));
}

// [1, in] scales inputs, [out, 1] outputs: columns and rows of the weight.
at::Tensor merge_ia3(const MethodSpec&, const at::Tensor& weight, ModuleTensors& adapter) {
  return at::mul(weight, adapter(".ia3_l"));
}

struct MergeRow {
  const char* method;
  const char* marker;  // what a module that is adapted has; null: weights stay as they are
  Merge merge;
};

constexpr MergeRow kRows[] = {
    {"lora", ".lora_A.weight", merge_lora},
    {"dora", ".lora_A.weight", merge_dora},
    {"pissa", ".lora_A.weight", merge_pissa},
    {"adalora", ".lora_A", merge_adalora},
    {"ia3", ".ia3_l", merge_ia3},
    {"bitfit", nullptr, nullptr},
    {"freeze", nullptr, nullptr},
    {"full", nullptr, nullptr},
};

const MergeRow* row_of(const MethodSpec& method) {
  const auto found = std::ranges::find_if(kRows, [&](const MergeRow& row) { return method.type == row.method; });
  return found == std::end(kRows) ? nullptr : found;
}

bool all_biased(const ModelTraits& t) { return t.qkv_bias && t.o_bias && t.mlp_bias; }
bool takes_biases(const ModelConfig& model) {
  return family_of(model).biases == Biases::settable || all_biased(model.traits);
}

}  // namespace

void check_mergeable(const MethodSpec& method, const ModelConfig& model) {
  if (!row_of(method))
    throw Error(
        "request.invalid",
        "What method " + method.type + " adds is no change of the model's weights, so it cannot be merged into them.",
        peft_method(method.type).layer ? "Use the checkpoint itself, here." : "Export it with --kind adapter.",
        {{"method", method.type}});
  if (method.type == "bitfit" && !takes_biases(model))
    throw Error("request.invalid",
                "Models of family " + model.family +
                    " have no place for biases on all linears, so those of BitFit cannot be merged into one.",
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
    // What BitFit trains comes on top of a bias that is there.
    const bool adds = spec_.method.type == "bitfit" && base.name.ends_with(kBias);
    return (adds ? at::add(as_tensor(base).to(at::kFloat), trained) : trained).to(type);
  }
  const MergeRow* row = row_of(spec_.method);
  if (!row || !row->merge || !base.name.ends_with(kWeight)) return std::nullopt;
  ModuleTensors adapter(trained_, base.name.substr(0, base.name.size() - kWeight.size()));
  if (!adapter.has(row->marker)) return std::nullopt;
  const at::Tensor merged = row->merge(spec_.method, as_tensor(base).to(at::kFloat), adapter).to(type);
  used_ += adapter.used();
  return merged;
}

std::vector<std::string> Merger::added() const {
  std::vector<std::string> names;
  if (spec_.method.type != "bitfit") return names;
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
  if (method.type != "bitfit" || all_biased(model.traits)) return;
  config["attention_bias"] = true;
  config["mlp_bias"] = true;
}

}  // namespace collie
