#include "core/model/families/family.h"

#include <algorithm>
#include <map>
#include <stdexcept>

#include "core/base/json_text.h"
#include "core/model/gguf_keys.h"

namespace collie {

using namespace config_keys;

const std::vector<Family>& families() {
  static const std::vector<Family> all = [] {
    std::vector<Family> rows;
    for (const auto& part :
         {llama_families(), qwen_families(), gemma_families(), phi_families(), olmo_families(), glm_families(),
          scaled_families(), internlm_families(), chatglm_families(), neox_families(), gpt_families()})
      rows.insert(rows.end(), part.begin(), part.end());
    return rows;
  }();
  return all;
}

const Family* find_family(const std::string& architecture) {
  for (const Family& family : families())
    if (architecture == family.architecture || (family.also && architecture == family.also)) return &family;
  return nullptr;
}

const Family* find_family_of_type(const std::string& type) {
  for (const Family& family : families())
    if (type == family.family) return &family;
  return nullptr;
}

const Family* find_gguf_family(const GgufFile& file) {
  const std::string architecture = file.architecture();
  const Family* found = nullptr;
  for (const Family& family : families()) {
    const GgufForm& form = family.gguf;
    if (!form.architecture || architecture != form.architecture) continue;
    if (form.with_key && !file.find(architecture + "." + form.with_key)) continue;
    if (!found || form.with_key) found = &family;
  }
  return found;
}

const Family& family_of(const ModelConfig& config) {
  if (const Family* found = find_family(config.architecture)) return *found;
  throw std::logic_error("no family has the architecture " + config.architecture);
}

namespace family {

RopeDefaults rope_defaults(const FamilyDefaults& defaults, const ModelConfig& result) {
  return {.theta = defaults.theta, .max_position = result.max_position};
}

void read_plain_rope(const json& config, const FamilyDefaults& defaults, ModelConfig& result) {
  result.ropes = {read_rope(config, rope_defaults(defaults, result))};
}

Activation read_activation(const json& config, const char* key, const char* fallback) {
  static const std::map<std::string, Activation> known = {
      {"silu", Activation::silu},          {"swish", Activation::silu},
      {"gelu", Activation::gelu_erf},      {"gelu_pytorch_tanh", Activation::gelu_tanh},
      {"gelu_new", Activation::gelu_tanh}, {"gelu_fast", Activation::gelu_tanh},
      {"relu", Activation::relu}};
  const json* value = present(config, key);
  const auto found =
      known.find(value ? (value->is_string() ? value->get<std::string>() : json_text(*value)) : fallback);
  if (found == known.end()) fail_feature(key, *value, "silu, gelu, gelu_pytorch_tanh, gelu_new, relu");
  return found->second;
}

std::vector<bool> sliding_layers(const json& config, int64_t n_layers, bool (*slides)(int64_t, int64_t),
                                 int64_t pattern) {
  const json* types = present(config, "layer_types");
  if (types && (!types->is_array() || static_cast<int64_t>(types->size()) != n_layers))
    fail_config("layer_types", "must be a list of " + std::to_string(n_layers) + " kinds, one a layer", *types);
  std::vector<bool> all;
  for (int64_t i = 0; i < n_layers; ++i) {
    if (types) {
      const json& type = (*types)[static_cast<size_t>(i)];
      const std::string name = type.is_string() ? type.get<std::string>() : "";
      if (name != "full_attention" && name != "sliding_attention")
        fail_feature("layer_types", type, "full_attention, sliding_attention");
      all.push_back(name == "sliding_attention");
    } else {
      all.push_back(slides(i, pattern));
    }
  }
  return all;
}

int64_t read_window(const json& config, int64_t fallback) {
  if (present(config, "sliding_window")) return integer(config, "sliding_window", 1, kMost);
  return config.contains("sliding_window") ? 0 : fallback;
}

void take_layer_norm(ModelTraits& traits) {
  traits.norm = NormKind::layer;
  traits.norm_bias = true;
}

json with_usual_keys(const json& given, OwnKeys keys) {
  json config = given;
  for (const auto& [own, usual] : keys)
    if (const json* value = present(given, own)) config[usual] = *value;
  return config;
}

void take_own_keys(nlohmann::ordered_json& config, OwnKeys keys) {
  for (const auto& [own, usual] : keys) {
    if (!config.contains(usual)) continue;
    config[own] = config[usual];
    config.erase(usual);
  }
}

bool gguf_layer_has(const GgufFile& file, std::initializer_list<const char*> tensors) {
  return std::ranges::any_of(
      tensors, [&](const char* name) { return file.find_tensor(std::string("blk.0.") + name) != nullptr; });
}

void take_gguf_windows(const GgufFile& file, nlohmann::ordered_json& config) {
  const std::string prefix = file.architecture() + ".attention.sliding_window", pattern_key = prefix + "_pattern";
  const int64_t window = gguf_keys::integer(file, prefix, 0), layers = config["num_hidden_layers"];
  config["sliding_window"] = window ? json(window) : json(nullptr);
  const json* pattern = file.find(pattern_key);
  if (!pattern || !window) return;
  if (!pattern->is_array() || static_cast<int64_t>(pattern->size()) != layers)
    gguf_keys::fail_key(pattern_key, "is no list with an entry for each layer");
  config["layer_types"] = json::array();
  for (const json& slides : *pattern) {
    if (!slides.is_boolean()) gguf_keys::fail_key(pattern_key, "is no list of true and false");
    config["layer_types"].push_back(slides.get<bool>() ? "sliding_attention" : "full_attention");
  }
}

void require_flag(const json& config, const char* key, bool wanted) {
  if (flag(config, key, wanted) != wanted) fail_feature(key, !wanted, wanted ? "true" : "false");
}

}  // namespace family
}  // namespace collie
