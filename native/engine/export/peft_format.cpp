#include "engine/export/peft_format.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/neg.h>

#include <algorithm>
#include <set>

#include "core/base/error.h"
#include "core/plan/model_tensors.h"
#include "core/recipe/module_pattern.h"
#include "engine/export/peft_fused.h"
#include "engine/export/peft_rows.h"
#include "engine/export/prompt_format.h"
#include "engine/checkpoint/tensor_io.h"

namespace collie {

using nlohmann::json;

namespace {

constexpr std::string_view kWeight = ".weight", kStart = ".start";

std::string without(const std::string& name, std::string_view suffix) {
  return name.substr(0, name.size() - suffix.size());
}

// Full names of the projections that the method adapts; `patterns` narrows them down.
std::vector<std::string> adapted_modules(const TrainedWeights& from, const std::vector<std::string>& patterns) {
  std::vector<std::string> modules;
  for (const NamedShape& tensor : model_tensors(from.model)) {
    if (!tensor.name.ends_with("_proj.weight")) continue;
    const std::string module = without(tensor.name, kWeight);
    if (adapts(from.spec.method, module) && matches_any(patterns, module)) modules.push_back(module);
  }
  return modules;
}

// PEFT knows names and endings of names, but no wildcards: modules that wildcards name are listed in full.
json modules_of(const TrainedWeights& from, const std::vector<std::string>& patterns) {
  const bool wild =
      std::ranges::any_of(patterns, [](const std::string& p) { return p.find_first_of("*?") != std::string::npos; });
  return wild ? adapted_modules(from, patterns) : patterns;
}

bool tied_and_trained(const TrainedWeights& from) {
  return from.model.tied_embeddings &&
         trains_weight(from.spec.method, from.model, "model.embed_tokens.weight") == Trained::yes;
}

// PEFT wraps every module whose name ends like this; "norm" alone would name all norms of the layers too. It trains a copy of
// the embedding, which a tied head does not follow: so both are listed.
json saved_modules(const TrainedWeights& from) {
  std::set<std::string> modules;
  for (const std::string& module : from.spec.method.texts("modules_to_save"))
    modules.insert(module == "norm" ? "model.norm" : module);
  if (tied_and_trained(from)) modules.insert({"embed_tokens", "lm_head"});
  return modules.empty() ? json(nullptr) : json(modules);
}

void configure_targets(json& config, const TrainedWeights& from) {
  config["target_modules"] = modules_of(from, from.spec.method.texts("target_modules"));
  config["modules_to_save"] = saved_modules(from);
  config["fan_in_fan_out"] = false;
}

void configure_factors(json& config, const TrainedWeights& from) {
  const MethodSpec& method = from.spec.method;
  configure_targets(config, from);
  config.update({{"lora_alpha", method.number("alpha")},
                 {"lora_dropout", method.has("dropout") ? method.number("dropout") : 0.0},
                 {"bias", "none"},
                 {"init_lora_weights", true},
                 {"use_rslora", method.has("scaling") && method.text("scaling") == "rank_stabilized"},
                 {"use_dora", method.type == "dora"},
                 {"layers_to_transform", nullptr},
                 {"layers_pattern", nullptr},
                 {"rank_pattern", json::object()},
                 {"alpha_pattern", json::object()}});
}

void configure_lora(json& config, const TrainedWeights& from) {
  configure_factors(config, from);
  config["r"] = from.spec.method.integer("rank");
}

// Twice the rank at the same alpha / rank.
void configure_pissa(json& config, const TrainedWeights& from) {
  configure_factors(config, from);
  config["r"] = 2 * from.spec.method.integer("rank");
  config["lora_alpha"] = 2 * from.spec.method.number("alpha");
}

// What PEFT stores of a trained tensor under its own name.
PeftTensor renamed(const std::string& name, const StoredTensor& tensor) {
  return {name, tensor.shape, [&tensor] { return as_tensor(tensor); }};
}

std::optional<PeftTensor> export_same(const TrainedWeights&, const StoredTensor& tensor) {
  return renamed(peft_name(tensor.name), tensor);
}

at::Tensor import_same(PeftFile& file, const std::string& name, at::IntArrayRef shape) {
  return file.read(peft_name(name), shape);
}

// PEFT saves the magnitude without ".weight".
std::string dora_name(const std::string& name) {
  return peft_name(name.ends_with(".lora_magnitude_vector.weight") ? without(name, kWeight) : name);
}

std::optional<PeftTensor> export_dora(const TrainedWeights&, const StoredTensor& tensor) {
  return renamed(dora_name(tensor.name), tensor);
}

at::Tensor import_dora(PeftFile& file, const std::string& name, at::IntArrayRef shape) {
  return file.read(dora_name(name), shape);
}

bool is_a(const std::string& name) { return name.find(".lora_A.") != std::string::npos; }
bool is_factor(const std::string& name) { return is_a(name) || name.find(".lora_B.") != std::string::npos; }

// s B A - s B0 A0 as one product of twice the rank: [A; A0] and [B, -B0].
std::optional<PeftTensor> export_pissa(const TrainedWeights& from, const StoredTensor& tensor) {
  if (!is_factor(tensor.name)) return export_same(from, tensor);
  if (tensor.name.ends_with(kStart)) return std::nullopt;
  const bool a = is_a(tensor.name);
  const StoredTensor& start = from.file.at(tensor.name + std::string(kStart), tensor.shape);
  std::vector<int64_t> shape = tensor.shape;
  shape[a ? 0 : 1] *= 2;
  return PeftTensor{peft_name(tensor.name), shape, [&tensor, &start, a] {
                      const at::Tensor first = as_tensor(start);
                      return at::cat({as_tensor(tensor), a ? first : at::neg(first)}, a ? 0 : 1);
                    }};
}

// PEFT wants feed-forward modules to be among the targets word by word; where they are not, both are listed in full.
void configure_ia3(json& config, const TrainedWeights& from) {
  configure_targets(config, from);
  const std::vector<std::string> targets = from.spec.method.texts("target_modules"),
                                 forward = from.spec.method.texts("feedforward_modules");
  const bool subset = std::ranges::all_of(
      forward, [&](const std::string& f) { return std::ranges::find(targets, f) != targets.end(); });
  config["feedforward_modules"] = modules_of(from, forward);
  if (!subset || config["feedforward_modules"] != json(forward) || config["target_modules"] != json(targets)) {
    config["target_modules"] = adapted_modules(from, targets);
    config["feedforward_modules"] = adapted_modules(from, forward);
  }
  config["init_ia3_weights"] = true;
}

const std::vector<PeftFormat>& formats() {
  static const std::vector<PeftFormat> all = {
      {"lora", "LORA", configure_lora, export_same, import_same, {"r", "lora_alpha", "use_rslora", "use_dora"}},
      {"dora", "LORA", configure_lora, export_dora, import_dora, {"r", "lora_alpha", "use_rslora", "use_dora"}},
      {"pissa", "LORA", configure_pissa, export_pissa, nullptr, {}},
      {"adalora", "ADALORA", peft::configure_adalora, peft::export_adalora, nullptr, {}},
      {"ia3", "IA3", configure_ia3, export_same, import_same, {}},
      {"prompt_tuning",
       "PROMPT_TUNING",
       peft::configure_prompt,
       peft::export_prompt,
       peft::import_prompt,
       {"num_virtual_tokens", "token_dim"}},
      {"prefix_tuning",
       "PREFIX_TUNING",
       peft::configure_prompt,
       peft::export_prompt,
       peft::import_prompt,
       {"num_virtual_tokens", "token_dim", "prefix_projection"}},
      {"p_tuning", "P_TUNING", peft::configure_prompt, peft::export_prompt, nullptr, {}},
  };
  return all;
}

}  // namespace

void peft::configure_common_factors(json& config, const TrainedWeights& from) { configure_factors(config, from); }

const PeftFormat* peft_format(const std::string& method) {
  const auto found = std::ranges::find_if(formats(), [&](const PeftFormat& f) { return method == f.method; });
  return found == formats().end() ? nullptr : &*found;
}

json peft_config(const PeftFormat& format, const TrainedWeights& from) {
  json config = {
      {"peft_type", format.peft_type}, {"task_type", "CAUSAL_LM"}, {"base_model_name_or_path", from.spec.model},
      {"revision", nullptr},           {"inference_mode", true},   {"auto_mapping", nullptr}};
  format.configure(config, from);
  if (config.contains("target_modules")) peft::configure_fused(config, from);
  return config;
}

std::vector<PeftTensor> peft_tensors(const PeftFormat& format, const TrainedWeights& from) {
  std::vector<PeftTensor> all;
  for (const auto& [name, view] : from.file.tensors())
    if (std::optional<PeftTensor> tensor = format.exported(from, view)) all.push_back(std::move(*tensor));
  all = peft::fuse(from, std::move(all));
  if (tied_and_trained(from))
    all.push_back(renamed(peft_name("lm_head.weight"), from.file.at("model.embed_tokens.weight")));
  return all;
}

PeftFile::PeftFile(const std::filesystem::path& path, const MethodSpec& method, const ModelConfig& model)
    : file_(path, StoreKind::checkpoint), method_(method), model_(model) {}

at::Tensor PeftFile::stored(const std::string& name) {
  used_.push_back(name);
  return as_tensor(file_.at(name));
}

at::Tensor PeftFile::read(const std::string& name, at::IntArrayRef shape) {
  if (std::optional<at::Tensor> part = peft::unfused(*this, method_, model_, name, shape)) return std::move(*part);
  const TensorView& view = file_.at(name, shape);
  used_.push_back(name);
  return as_tensor(view);
}

void PeftFile::check_all_used() const {
  for (const auto& [name, view] : file_.tensors())
    if (std::ranges::find(used_, name) == used_.end())
      throw Error("checkpoint.mismatch",
                  "Tensor " + name + " of " + file_.path().string() + " belongs to nothing that this run trains.",
                  "Choose the target_modules and modules_to_save that the adapter was made with.", {{"tensor", name}});
}

std::string peft_name(const std::string& name) { return "base_model.model." + name; }

}  // namespace collie
