// What methods make of a model: which weights are trained, which tensors come on top.
#include <algorithm>
#include <functional>
#include <numeric>

#include "core/base/error.h"
#include "core/model/layer_tensors.h"
#include "core/recipe/module_pattern.h"
#include "core/recipe/peft_methods.h"

namespace collie {
namespace {

std::string last_part(const std::string& name) { return name.substr(name.rfind('.') + 1); }

std::string layer_prefix(int64_t layer) { return "model.layers." + std::to_string(layer) + "."; }

// The linear layers of a decoder layer, without its prefix.
std::vector<ProjectionShape> projections(const ModelConfig& c) {
  std::vector<ProjectionShape> all;
  for (const LayerLinear& linear : layer_linears(c, whole_layer(c)))
    all.push_back({linear.module, linear.out, linear.in});
  return all;
}

std::string module_names(const ModelConfig& c) {
  std::string names;
  const std::vector<ProjectionShape> all = projections(c);
  for (size_t i = 0; i < all.size(); ++i)
    names += (i == 0 ? "" : i + 1 == all.size() ? " and " : ", ") + last_part(all[i].module);
  return names;
}

}  // namespace

int64_t layer_of(const std::string& name) {
  constexpr std::string_view prefix = "model.layers.";
  return name.starts_with(prefix) ? std::stoll(name.substr(prefix.size())) : -1;
}

bool has_adapter(const MethodSpec& method) {
  const PeftMethod& m = peft_method(method.type);
  return m.projection != nullptr || m.layer != nullptr || m.model != nullptr;
}

std::vector<AdapterTensor> adapter_tensors(const MethodSpec& method, const ModelConfig& c) {
  return adapter_tensors(method, c, whole_model(c), projections(c));
}

std::vector<AdapterTensor> adapter_tensors(const MethodSpec& method, const ModelConfig& c, const ModelShard& shard,
                                           const std::vector<ProjectionShape>& shapes) {
  const PeftMethod& rule = peft_method(method.type);
  std::vector<AdapterTensor> all;
  const auto add = [&](std::vector<AdapterTensor> more) { all.insert(all.end(), more.begin(), more.end()); };
  if (rule.model) add(rule.model(method, c));
  for (int64_t i = 0; i < shard.n_layers(); ++i) {
    const std::string prefix = layer_prefix(shard.layer(i));
    for (ProjectionShape projection : shapes) {
      projection.module = prefix + projection.module;
      if (rule.projection && adapts(method, projection.module)) add(rule.projection(method, projection));
    }
    if (rule.layer) add(rule.layer(method, c, prefix));
  }
  return all;
}

int64_t AdapterTensor::elements() const {
  return std::accumulate(shape.begin(), shape.end(), int64_t{1}, std::multiplies<>());
}

ParameterKind AdapterTensor::kind() const {
  return std::ranges::count_if(shape, [](int64_t n) { return n > 1; }) > 1 ? ParameterKind::matrix
                                                                           : ParameterKind::vector;
}

bool adapts(const MethodSpec& method, const std::string& module) {
  if (peft_method(method.type).projection == nullptr) return false;
  return !method.has("target_modules") || matches_any(method.texts("target_modules"), module);
}

Trained trains_weight(const MethodSpec& method, const ModelConfig& config, const std::string& name) {
  const PeftMethod& rule = peft_method(method.type);
  if (rule.trains) return rule.trains(method, config, name) ? Trained::yes : Trained::no;
  const std::string module = last_part(name.substr(0, name.rfind('.')));  // weight and bias are trained together
  const std::vector<std::string> saved = method.texts("modules_to_save");
  const auto listed = [&](const std::string& wanted) { return std::ranges::find(saved, wanted) != saved.end(); };
  // A tied head is the embedding: training either trains both.
  const bool tied = config.tied_embeddings && module == "embed_tokens" && listed("lm_head");
  return listed(module) || tied ? Trained::yes : Trained::no;
}

bool keeps_weight(const MethodSpec& method, const ModelConfig& config, const std::string& name) {
  if (trains_weight(method, config, name) == Trained::yes) return false;
  const bool changed = peft_method(method.type).base == BaseChange::adapted;
  return !changed || !adapts(method, name.substr(0, name.rfind('.')));
}

bool keeps_base(const MethodSpec& method) { return peft_method(method.type).base != BaseChange::all; }

AdapterScratch adapter_scratch(const MethodSpec& method, bool training) {
  const PeftMethod& rule = peft_method(method.type);
  return rule.scratch ? rule.scratch(method, training) : AdapterScratch{};
}

int64_t virtual_tokens(const MethodSpec& method) {
  return method.has("virtual_tokens") ? method.integer("virtual_tokens") : 0;
}

int64_t prompt_work(const MethodSpec& method, const ModelConfig& config, bool training) {
  if (!method.has("encoder_hidden_size")) return 0;
  const int64_t values = 2 * method.integer("encoder_hidden_size") + config.hidden_size;
  return training ? 2 * values : values;  // and their gradients
}

// Every pattern of the spec must name something: a misspelt one would train less than was asked for, or nothing.
void check_method_fits(const MethodSpec& method, const ModelConfig& config) {
  const auto refuse = [](const std::string& field, const nlohmann::json& received, const std::string& message,
                         const std::string& fix) {
    const nlohmann::json issue = {{"path", "method." + field},
                                  {"code", "out_of_range"},
                                  {"message", message},
                                  {"received", received},
                                  {"suggestion", fix}};
    throw Error("spec.invalid", "method." + field + ": " + message, fix, {{"issues", nlohmann::json::array({issue})}});
  };
  // All linear layers are seven names, of which an MLP without a gate has six: gate_proj among others means nothing there.
  ModelConfig gated = config;
  gated.traits.gated = true;
  const auto names = [](const std::string& pattern, const ModelConfig& c) {
    for (int64_t i = 0; i < c.n_layers; ++i)
      for (const ProjectionShape& p : projections(c))
        if (matches_module(pattern, layer_prefix(i) + p.module)) return true;
    return false;
  };
  const std::vector<std::string> targets = method.texts("target_modules");
  const bool any = std::ranges::any_of(targets, [&](const std::string& pattern) { return names(pattern, config); });
  for (const std::string& pattern : targets) {
    if (!names(pattern, any ? gated : config))
      refuse("target_modules", pattern, "\"" + pattern + "\" names no linear layer of the model",
             "Its layers have " + module_names(config) + ".");
  }
  if (method.has("last_layers") && method.integer("last_layers") > config.n_layers)
    refuse("last_layers", method.integer("last_layers"),
           "is " + std::to_string(method.integer("last_layers")) + "; the model has " +
               std::to_string(config.n_layers) + " layers",
           "Use at most " + std::to_string(config.n_layers) + ", or the method full.");
}

}  // namespace collie
