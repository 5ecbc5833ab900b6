#include "core/model/rope_config.h"

#include <cmath>
#include <map>

#include "core/model/config_keys.h"

namespace collie {

using nlohmann::json;
using namespace config_keys;

namespace {

bool by_layer_type(const json& parameters) {
  return parameters.contains("full_attention") || parameters.contains("sliding_attention");
}

const json* rope_parameters(const json& config, const char* layer_type) {
  const json* all = present(config, "rope_parameters");
  if (all && !all->is_object()) fail_config("rope_parameters", "must be an object", *all);
  if (!all || !by_layer_type(*all)) return all;
  const json* own = present(*all, layer_type);
  if (!own || !own->is_object())
    fail_config("rope_parameters." + std::string(layer_type), "must be an object", own ? *own : json(nullptr));
  return own;
}

std::vector<double> factors(const json& scaling, const char* key) {
  const json* list = present(scaling, key);
  const std::string name = "rope_scaling." + std::string(key);
  if (!list || !list->is_array() || list->empty())
    fail_config(name, "must be a list of numbers", list ? *list : json(nullptr));
  std::vector<double> all;
  for (const json& value : *list) {
    if (!value.is_number() || !(value.get<double>() > 0)) fail_config(name, "must be a list of numbers above 0", *list);
    all.push_back(value.get<double>());
  }
  return all;
}

int64_t original_position(const json& config, const json& scaling, int64_t fallback) {
  constexpr const char* kKey = "original_max_position_embeddings";
  return integer(scaling, kKey, 1, kMost, integer(config, kKey, 1, kMost, fallback));
}

void read_llama3(const json& scaling, RopeConfig& rope) {
  rope.low_freq_factor = positive(scaling, "low_freq_factor");
  rope.high_freq_factor = positive(scaling, "high_freq_factor");
  if (rope.high_freq_factor <= rope.low_freq_factor)
    fail_config("rope_scaling.high_freq_factor", "must be above low_freq_factor",
                *present(scaling, "high_freq_factor"));
}

double yarn_magnitude(double factor, double scale) { return factor <= 1 ? 1 : 0.1 * scale * std::log(factor) + 1; }

void read_yarn(const json& scaling, RopeConfig& rope) {
  rope.beta_fast = positive(scaling, "beta_fast", 32);
  rope.beta_slow = positive(scaling, "beta_slow", 1);
  rope.truncate = flag(scaling, "truncate", true);
  const double all = positive(scaling, "mscale_all_dim", 0), own = positive(scaling, "mscale", 0);
  rope.attention_factor = own != 0 && all != 0 ? yarn_magnitude(rope.factor, own) / yarn_magnitude(rope.factor, all)
                                               : yarn_magnitude(rope.factor, 1);
}

void read_longrope(const json& scaling, int64_t max_position, RopeConfig& rope) {
  rope.short_factor = factors(scaling, "short_factor");
  rope.long_factor = factors(scaling, "long_factor");
  if (rope.short_factor.size() != rope.long_factor.size())
    fail_config("rope_scaling.long_factor", "must be as long as short_factor", *present(scaling, "long_factor"));
  const double original = static_cast<double>(rope.original_max_position);
  rope.factor = positive(scaling, "factor", static_cast<double>(max_position) / original);
  rope.attention_factor = rope.factor <= 1 ? 1 : std::sqrt(1 + std::log(rope.factor) / std::log(original));
}

RopeScaling scaling_of(const json& type) {
  static const std::map<std::string, RopeScaling> kinds = {
      {"default", RopeScaling::none},      {"mrope", RopeScaling::none},    {"linear", RopeScaling::linear},
      {"dynamic", RopeScaling::dynamic},   {"llama3", RopeScaling::llama3}, {"yarn", RopeScaling::yarn},
      {"longrope", RopeScaling::longrope}, {"su", RopeScaling::longrope}};
  const auto found = type.is_string() ? kinds.find(type.get<std::string>()) : kinds.end();
  if (found == kinds.end())
    fail_feature("rope_scaling.rope_type", type, "default, linear, dynamic, llama3, yarn, longrope");
  return found->second;
}

}  // namespace

RopeConfig read_rope(const json& config, const RopeDefaults& defaults, const char* layer_type) {
  RopeConfig rope;
  const json* nested = rope_parameters(config, layer_type);
  const json* scaling = nested ? nested : present(config, "rope_scaling");
  if (scaling && !scaling->is_object()) fail_config("rope_scaling", "must be an object", *scaling);
  rope.theta = positive(nested && present(*nested, "rope_theta") ? *nested : config, "rope_theta", defaults.theta);
  if (!scaling) return rope;
  const json* type = present(*scaling, "rope_type");
  if (!type) type = present(*scaling, "type");
  if (!type) return rope;
  rope.scaling = scaling_of(*type);
  // Old Phi-3 files call longrope yarn.
  if (rope.scaling == RopeScaling::yarn && scaling->contains("short_factor")) rope.scaling = RopeScaling::longrope;
  if (rope.scaling == RopeScaling::none) return rope;
  rope.original_max_position = original_position(config, *scaling, defaults.max_position);
  if (rope.scaling != RopeScaling::longrope) rope.factor = positive(*scaling, "factor");
  if (rope.scaling == RopeScaling::llama3) read_llama3(*scaling, rope);
  if (rope.scaling == RopeScaling::yarn) read_yarn(*scaling, rope);
  if (rope.scaling == RopeScaling::longrope) read_longrope(*scaling, defaults.max_position, rope);
  rope.attention_factor = positive(*scaling, "attention_factor", rope.attention_factor);
  return rope;
}

double read_rotary_share(const json& config, double fallback) {
  const json* nested = rope_parameters(config, "full_attention");
  const bool inside = nested && present(*nested, "partial_rotary_factor");
  const double share = positive(inside ? *nested : config, "partial_rotary_factor", fallback);
  if (share > 1) fail_config("partial_rotary_factor", "must be at most 1", share);
  return share;
}

}  // namespace collie
