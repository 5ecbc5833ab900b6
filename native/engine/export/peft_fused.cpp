#include "engine/export/peft_fused.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "core/base/error.h"
#include "core/model/model_names.h"
#include "core/plan/model_tensors.h"

namespace collie::peft {
namespace {

constexpr std::string_view kWeight = ".weight";

std::string module_of(const std::string& weight) { return weight.substr(0, weight.size() - kWeight.size()); }

// A module of the files and those of its parts that the method adapts.
struct FusedModule {
  std::string file;
  std::vector<FilePart> adapted;  // by weight
  int64_t rows = 0;
};

std::vector<FusedModule> fused_modules(const TrainedWeights& from) {
  std::vector<FusedModule> all;
  std::set<std::string> seen;
  for (const NamedShape& tensor : model_tensors(from.model)) {
    const FilePlace place = file_place(from.model, tensor.name, tensor.shape[0]);
    if (place.whole() || tensor.shape.size() != 2 || !seen.insert(place.name).second) continue;
    FusedModule fused{module_of(place.name), {}, place.file_rows};
    for (const FilePart& part : file_parts(from.model, place.name, place.file_rows))
      if (adapts(from.spec.method, module_of(part.logical))) fused.adapted.push_back(part);
    if (!fused.adapted.empty()) all.push_back(std::move(fused));
  }
  return all;
}

// Takes the tensor of this name out of the list.
PeftTensor take(std::vector<PeftTensor>& tensors, const std::string& name) {
  const auto found = std::ranges::find(tensors, name, &PeftTensor::name);
  if (found == tensors.end())
    throw Error("request.invalid",
                "This model keeps several projections in one tensor, and PEFT has no form for what this method adds to one of them.",
                "Export it with --kind merged, or train o_proj and down_proj only.", {{"tensor", name}});
  PeftTensor tensor = std::move(*found);
  tensors.erase(found);
  return tensor;
}

}  // namespace

std::vector<PeftTensor> fuse(const TrainedWeights& from, std::vector<PeftTensor> tensors) {
  for (const FusedModule& fused : fused_modules(from)) {
    std::vector<PeftTensor> a, b;
    int64_t rank = 0;
    for (const FilePart& part : fused.adapted) {
      const std::string module = peft_name(module_of(part.logical));
      a.push_back(take(tensors, module + ".lora_A.weight"));
      b.push_back(take(tensors, module + ".lora_B.weight"));
      rank += a.back().shape[0];
    }
    const std::string module = peft_name(fused.file);
    const int64_t in = a[0].shape[1];
    tensors.push_back({module + ".lora_A.weight", {rank, in}, [a] {
                         std::vector<at::Tensor> values;
                         for (const PeftTensor& part : a) values.push_back(part.value());
                         return at::cat(values, 0);
                       }});
    tensors.push_back({module + ".lora_B.weight", {fused.rows, rank}, [b, fused, rank] {
                         const at::Tensor all = at::zeros({fused.rows, rank}, at::kFloat);
                         int64_t column = 0;
                         for (size_t i = 0; i < b.size(); ++i) {
                           all.narrow(0, fused.adapted[i].first_row, fused.adapted[i].rows).narrow(1, column, b[i].shape[1]).copy_(b[i].value());
                           column += b[i].shape[1];
                         }
                         return all;
                       }});
  }
  return tensors;
}

void configure_fused(nlohmann::json& config, const TrainedWeights& from) {
  const std::vector<FusedModule> fused = fused_modules(from);
  if (fused.empty()) return;
  std::set<std::string> modules;
  for (const NamedShape& tensor : model_tensors(from.model)) {
    const bool linear = tensor.shape.size() == 2 && tensor.name.ends_with("_proj.weight");
    if (linear && adapts(from.spec.method, module_of(tensor.name)))
      modules.insert(module_of(file_place(from.model, tensor.name, tensor.shape[0]).name));
  }
  config["target_modules"] = modules;
  const bool root = config.value("use_rslora", false);
  for (const FusedModule& module : fused) {
    const auto times = static_cast<int64_t>(module.adapted.size());
    config["rank_pattern"][module.file] = times * config.value("r", int64_t{0});
    // alpha / rank, or alpha / sqrt(rank), stays what it is.
    config["alpha_pattern"][module.file] = config.value("lora_alpha", 0.0) * (root ? std::sqrt(static_cast<double>(times)) : static_cast<double>(times));
  }
}

}  // namespace collie::peft
