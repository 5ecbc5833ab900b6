#include "engine/export/peft_fused.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/count_nonzero.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "core/base/error.h"
#include "core/model/families/family.h"
#include "core/model/model_names.h"
#include "core/plan/model_tensors.h"
#include "engine/export/file_rows.h"

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
      if (adapts(from.method, module_of(part.logical))) fused.adapted.push_back(part);
    if (!fused.adapted.empty()) all.push_back(std::move(fused));
  }
  return all;
}

// Modules that the files call otherwise, as PEFT's names of them.
std::map<std::string, std::string> renamed_modules(const ModelConfig& model) {
  std::map<std::string, std::string> names;
  for (const NamedShape& tensor : model_tensors(model)) {
    if (!tensor.name.ends_with(kWeight)) continue;
    const std::string module = module_of(tensor.name), file = file_module(model, module);
    if (file != module) names.emplace(peft_name(module), peft_name(file));
  }
  return names;
}

// "base_model.model.<module>.lora_A.weight" under the name that the files give the module.
std::string renamed(const std::map<std::string, std::string>& modules, const std::string& name) {
  for (size_t dot = name.size(); (dot = name.rfind('.', dot - 1)) != std::string::npos && dot > 0;)
    if (const auto found = modules.find(name.substr(0, dot)); found != modules.end())
      return found->second + name.substr(dot);
  return name;
}

// Takes the tensor of this name out of the list.
LazyTensor take(std::vector<LazyTensor>& tensors, const std::string& name) {
  const auto found = std::ranges::find(tensors, name, &LazyTensor::name);
  if (found == tensors.end())
    throw Error("request.invalid",
                "This model keeps several projections in one tensor, and PEFT has no form for what this method adds to "
                "one of them.",
                "Export it with --kind merged, or train o_proj and down_proj only.", {{"tensor", name}});
  LazyTensor tensor = std::move(*found);
  tensors.erase(found);
  return tensor;
}

}  // namespace

std::vector<LazyTensor> fuse(const TrainedWeights& from, std::vector<LazyTensor> tensors) {
  for (const FusedModule& fused : fused_modules(from)) {
    std::vector<LazyTensor> a, b;
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
                         for (const LazyTensor& part : a) values.push_back(part.value());
                         return at::cat(values, 0);
                       }});
    tensors.push_back({module + ".lora_B.weight", {fused.rows, rank}, [b, fused, rank] {
                         const at::Tensor all = at::zeros({fused.rows, rank}, at::kFloat);
                         int64_t column = 0;
                         for (size_t i = 0; i < b.size(); ++i) {
                           const at::Tensor place =
                               file_rows(all.narrow(1, column, b[i].shape[1]), fused.adapted[i].rows);
                           place.copy_(b[i].value().view(place.sizes()));
                           column += b[i].shape[1];
                         }
                         return all;
                       }});
  }
  const std::map<std::string, std::string> modules = renamed_modules(from.model);
  for (LazyTensor& tensor : tensors) tensor.name = renamed(modules, tensor.name);
  return tensors;
}

namespace {

// "base_model.model.<module>.lora_A.weight".
struct Factor {
  std::string module, ending;
  bool is_a = false;
};

std::optional<Factor> factor_of(const std::string& name) {
  const std::string prefix = peft_name("");
  for (const char* marker : {".lora_A.", ".lora_B."})
    if (const size_t at = name.find(marker); name.starts_with(prefix) && at != std::string::npos)
      return Factor{name.substr(prefix.size(), at - prefix.size()), name.substr(at), marker[6] == 'A'};
  return std::nullopt;
}

// Which of the parts that are adapted `module` is, and how many there are.
std::pair<int64_t, int64_t> place_among(const MethodSpec& method, const std::vector<FilePart>& parts,
                                        const std::string& module) {
  int64_t place = 0, count = 0;
  for (const FilePart& part : parts) {
    if (!adapts(method, module_of(part.logical))) continue;
    if (module_of(part.logical) == module) place = count;
    ++count;
  }
  return {place, count};
}

[[noreturn]] void fail_rank(const std::string& name, const at::Tensor& stored, int64_t rank, const std::string& why) {
  throw Error("checkpoint.mismatch",
              "Tensor " + name + " of the adapter has rank " +
                  std::to_string(std::min(stored.size(0), stored.size(1))) + ", this run " + std::to_string(rank) +
                  why + ".",
              "Set the method to what the adapter was made with, or start without it.", {{"tensor", name}});
}

}  // namespace

std::optional<at::Tensor> unfused(PeftFile& file, const MethodSpec& method, const ModelConfig& model,
                                  const std::string& name, at::IntArrayRef shape) {
  const std::optional<Factor> factor = factor_of(name);
  if (!factor) return std::nullopt;
  const FilePlace place = file_place(model, factor->module + std::string(kWeight), 0);
  const std::string stored_name = peft_name(module_of(place.name)) + factor->ending;
  if (stored_name == name) return std::nullopt;
  const at::Tensor stored = file.stored(stored_name);
  const std::vector<FilePart> parts = file_parts(model, place.name, place.file_rows);
  if (parts.size() == 1) {
    if (stored.sizes() != shape) fail_rank(stored_name, stored, shape[factor->is_a ? 0 : 1], " or another size");
    return stored;
  }
  const int64_t rank = shape[factor->is_a ? 0 : 1], theirs = stored.size(factor->is_a ? 0 : 1);
  const auto [own, count] = place_among(method, parts, factor->module);
  if ((theirs != rank && theirs != rank * count) ||
      (factor->is_a ? stored.size(1) != shape[1] : stored.size(0) != place.file_rows))
    fail_rank(stored_name, stored, rank, " or " + std::to_string(rank * count));
  const bool shared = theirs == rank;
  if (factor->is_a) return shared ? stored : stored.narrow(0, own * rank, rank);
  int64_t adapted = 0;
  for (const FilePart& part : parts)
    if (adapts(method, module_of(part.logical)))
      adapted += file_rows(stored, part.rows).count_nonzero().item<int64_t>();
  if (adapted != stored.count_nonzero().item<int64_t>())
    throw Error("checkpoint.mismatch",
                "Tensor " + stored_name + " of the adapter changes projections that this run does not adapt.",
                "Add all of " + module_of(place.name) + " to method.target_modules.", {{"tensor", stored_name}});
  const at::Tensor rows = file_rows(stored, place.rows).reshape({shape[0], theirs});
  if (shared) return rows;
  const at::Tensor part = rows.narrow(1, own * rank, rank);
  if (rows.count_nonzero().item<int64_t>() != part.count_nonzero().item<int64_t>())
    fail_rank(stored_name, stored, rank, " for each part, which it does not consist of");
  return part;
}

void configure_fused(nlohmann::json& config, const TrainedWeights& from) {
  const std::vector<FusedModule> fused = fused_modules(from);
  if (fused.empty() && renamed_modules(from.model).empty()) return;
  std::set<std::string> modules;
  for (const NamedShape& tensor : model_tensors(from.model)) {
    const bool linear = tensor.shape.size() == 2 && tensor.name.ends_with("_proj.weight");
    if (linear && adapts(from.method, module_of(tensor.name)))
      modules.insert(module_of(file_place(from.model, tensor.name, tensor.shape[0]).name));
  }
  config["target_modules"] = modules;
  if (family_of(from.model).names.transposed) config["fan_in_fan_out"] = true;
  const bool root = config.value("use_rslora", false);
  for (const FusedModule& module : fused) {
    const auto times = static_cast<int64_t>(module.adapted.size());
    config["rank_pattern"][module.file] = times * config.value("r", int64_t{0});
    // alpha / rank, or alpha / sqrt(rank), stays what it is.
    config["alpha_pattern"][module.file] =
        config.value("lora_alpha", 0.0) * (root ? std::sqrt(static_cast<double>(times)) : static_cast<double>(times));
  }
}

}  // namespace collie::peft
