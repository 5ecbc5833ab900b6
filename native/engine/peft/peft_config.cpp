#include "engine/peft/peft_config.h"

#include <algorithm>
#include <set>

#include "core/base/error.h"
#include "core/plan/model_tensors.h"
#include "core/recipe/module_pattern.h"

namespace collie {

using nlohmann::json;

namespace {

constexpr std::string_view kWeight = ".weight";

// PEFT wraps every module whose name ends like this; "norm" alone would name all norms of the layers too. It trains a copy of
// the embedding, which a tied head does not follow: so both are listed.
json saved_modules(const TrainedWeights& from) {
  std::set<std::string> modules;
  for (const std::string& module : from.method.texts("modules_to_save"))
    modules.insert(module == "norm" ? "model.norm" : module);
  if (tied_and_trained(from)) modules.insert({"embed_tokens", "lm_head"});
  return modules.empty() ? json(nullptr) : json(modules);
}

}  // namespace

const LazyTensor& TrainedWeights::at(const std::string& name) const {
  if (const auto found = tensors.find(name); found != tensors.end()) return found->second;
  throw Error("checkpoint.mismatch", "The checkpoint has no tensor " + name + ".",
              "Choose another checkpoint of the run.", {{"tensor", name}});
}

std::string peft_name(const std::string& name) { return "base_model.model." + name; }
std::string prompt_name(const std::string& name) { return name; }

LazyTensor renamed(std::string name, const LazyTensor& tensor) { return {std::move(name), tensor.shape, tensor.value}; }

bool tied_and_trained(const TrainedWeights& from) {
  return from.model.tied_embeddings &&
         trains_weight(from.method, from.model, "model.embed_tokens.weight") == Trained::yes;
}

std::vector<std::string> adapted_modules(const TrainedWeights& from, const std::vector<std::string>& patterns) {
  std::vector<std::string> modules;
  for (const NamedShape& tensor : model_tensors(from.model)) {
    if (!tensor.name.ends_with("_proj.weight")) continue;
    const std::string module = tensor.name.substr(0, tensor.name.size() - kWeight.size());
    if (adapts(from.method, module) && matches_any(patterns, module)) modules.push_back(module);
  }
  return modules;
}

json modules_of(const TrainedWeights& from, const std::vector<std::string>& patterns) {
  const bool wild =
      std::ranges::any_of(patterns, [](const std::string& p) { return p.find_first_of("*?") != std::string::npos; });
  return wild ? adapted_modules(from, patterns) : patterns;
}

void configure_targets(json& config, const TrainedWeights& from) {
  config["target_modules"] = modules_of(from, from.method.texts("target_modules"));
  config["modules_to_save"] = saved_modules(from);
  config["fan_in_fan_out"] = false;
}

void configure_factors(json& config, const TrainedWeights& from) {
  const MethodSpec& method = from.method;
  configure_targets(config, from);
  config.update({{"lora_alpha", method.number("alpha")},
                 {"lora_dropout", method.has("dropout") ? method.number("dropout") : 0.0},
                 {"bias", "none"},
                 {"init_lora_weights", true},
                 {"use_rslora", method.has("scaling") && method.text("scaling") == "rank_stabilized"},
                 {"use_dora", false},
                 {"layers_to_transform", nullptr},
                 {"layers_pattern", nullptr},
                 {"rank_pattern", json::object()},
                 {"alpha_pattern", json::object()}});
}

void configure_lora(json& config, const TrainedWeights& from) {
  configure_factors(config, from);
  config["r"] = from.method.integer("rank");
}

std::vector<const char*> lora_settled() { return {"r", "lora_alpha", "use_rslora", "use_dora"}; }

void configure_virtual_tokens(json& config, const TrainedWeights& from, int64_t width, int64_t heads) {
  config.update({{"num_virtual_tokens", virtual_tokens(from.method)},
                 {"num_transformer_submodules", 1},
                 {"num_layers", from.model.n_layers},
                 {"token_dim", width},
                 {"num_attention_heads", heads},
                 {"modules_to_save", nullptr}});
}

}  // namespace collie
