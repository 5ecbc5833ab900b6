#include "core/model/model_config.h"

#include <array>
#include <cmath>
#include <string_view>

#include "core/base/error.h"
#include "core/base/file.h"
#include "core/base/json_parse.h"
#include "core/base/json_text.h"

namespace collie {

using nlohmann::json;

namespace {

// What a key means that a config.json leaves out altogether (null is "none"): the defaults of transformers' config
// class.
struct Family {
  const char* architecture;
  const char* family;
  int64_t default_kv_heads;  // 0: as many as query heads
  bool has_sliding_window;   // false: the key is ignored, as transformers does
  int64_t default_sliding_window;
};
constexpr std::array<Family, 2> kFamilies = {{
    {"LlamaForCausalLM", "llama", 0, false, 0},
    {"MistralForCausalLM", "mistral", 8, true, 4096},
}};

constexpr int64_t kMaxWidth = 1 << 22;       // of layers: keeps every product of sizes inside 64 bits
constexpr int64_t kMost = int64_t{1} << 40;  // of positions: far beyond any model

[[noreturn]] void fail_config(const std::string& key, const std::string& problem, const json& received = nullptr) {
  throw Error("model.bad_config", "config.json: " + key + " " + problem + ".",
              "Check that config.json belongs to this model.", {{"key", key}, {"received", received}});
}

[[noreturn]] void fail_feature(const std::string& key, const json& value, const std::string& supported) {
  throw Error("model.unsupported_feature",
              "config.json: " + key + " = " + json_text(value) + " is not supported (supported: " + supported + ").",
              "Choose another model.", {{"key", key}, {"received", value}});
}

// Typed getters; a null counts as absent, as in transformers.
const json* present(const json& object, const char* key) {
  const auto found = object.find(key);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

int64_t integer(const json& object, const char* key, int64_t min, int64_t max) {
  const json* value = present(object, key);
  if (!value) fail_config(key, "is missing");
  const bool whole = value->is_number_integer() && !(value->is_number_unsigned() && value->get<uint64_t>() > INT64_MAX);
  if (!whole || value->get<int64_t>() < min || value->get<int64_t>() > max)
    fail_config(key,
                "must be a whole number from " + std::to_string(min) + " to " + std::to_string(max) + ", not " +
                    json_text(*value),
                *value);
  return value->get<int64_t>();
}

double positive(const json& object, const char* key) {
  const json* value = present(object, key);
  if (!value) fail_config(key, "is missing");
  if (!value->is_number() || !std::isfinite(value->get<double>()) || value->get<double>() <= 0)
    fail_config(key, "must be a number above 0, not " + json_text(*value), *value);
  return value->get<double>();
}

bool flag(const json& object, const char* key, bool fallback) {
  const json* value = present(object, key);
  if (!value) return fallback;
  if (!value->is_boolean()) fail_config(key, "must be true or false, not " + json_text(*value), *value);
  return value->get<bool>();
}

const Family& find_family(const json& config) {
  std::string known;
  for (const Family& family : kFamilies) known += (known.empty() ? "" : ", ") + std::string(family.architecture);
  const json* list = present(config, "architectures");
  const std::string name =
      list && list->is_array() && !list->empty() && list->front().is_string() ? list->front().get<std::string>() : "";
  const json* type = name.empty() ? present(config, "model_type") : nullptr;  // what transformers' AutoModelForCausalLM goes by
  for (const Family& family : kFamilies)
    if (name == family.architecture || (type && *type == family.family)) return family;
  throw Error("model.unknown_architecture",
              name.empty() ? "config.json names no architecture" + (type ? ", and its model_type " + json_text(*type) + " is not known." : " and no model_type.")
                           : "The architecture " + name + " is not known.",
              "Known architectures: " + known + ".", {{"architecture", name}, {"known", known}});
}

// Rotary settings stand at the top level, or, as newer transformers write them, in "rope_parameters".
RopeConfig parse_rope(const json& config, int64_t max_position) {
  RopeConfig rope;
  const json* nested = present(config, "rope_parameters");
  const json* scaling = nested ? nested : present(config, "rope_scaling");
  if (scaling && !scaling->is_object())
    fail_config(nested ? "rope_parameters" : "rope_scaling", "must be an object", *scaling);
  if (nested && present(*nested, "rope_theta")) {
    rope.theta = positive(*nested, "rope_theta");
  } else if (present(config, "rope_theta")) {
    rope.theta = positive(config, "rope_theta");
  }
  if (const json* partial = present(nested ? *nested : config, "partial_rotary_factor"); partial && *partial != 1.0)
    fail_feature("partial_rotary_factor", *partial, "1");
  if (!scaling) return rope;

  const json* type = present(*scaling, "rope_type");
  if (!type) type = present(*scaling, "type");
  if (!type || *type == "default") return rope;
  if (*type == "linear") {
    rope.scaling = RopeScaling::linear;
    rope.factor = positive(*scaling, "factor");
  } else if (*type == "llama3") {
    rope.scaling = RopeScaling::llama3;
    rope.factor = positive(*scaling, "factor");
    rope.low_freq_factor = positive(*scaling, "low_freq_factor");
    rope.high_freq_factor = positive(*scaling, "high_freq_factor");
    rope.original_max_position = present(*scaling, "original_max_position_embeddings")
                                     ? integer(*scaling, "original_max_position_embeddings", 1, kMost)
                                     : max_position;
    if (rope.high_freq_factor <= rope.low_freq_factor)
      fail_config("rope_scaling.high_freq_factor", "must be above low_freq_factor",
                  *present(*scaling, "high_freq_factor"));
  } else {
    fail_feature("rope_scaling.rope_type", *type, "default, linear, llama3");
  }
  return rope;
}

void refuse_unsupported(const json& config) {
  if (const json* activation = present(config, "hidden_act"); activation && *activation != "silu")
    fail_feature("hidden_act", *activation, "silu");
  for (const char* key : {"attention_bias", "mlp_bias"})
    if (flag(config, key, false)) fail_feature(key, true, "false");
  if (const json* quantized = present(config, "quantization_config"))
    fail_feature("quantization_config", quantized->value("quant_method", json("?")), "unquantized weights");
}

void check_sizes(const ModelConfig& config) {
  if (config.n_heads % config.n_kv_heads != 0)
    fail_config("num_key_value_heads",
                "= " + std::to_string(config.n_kv_heads) +
                    " does not divide num_attention_heads = " + std::to_string(config.n_heads),
                config.n_kv_heads);
  const int64_t query_width = config.n_heads * config.head_dim;
  if (query_width > kMaxWidth)
    fail_config("head_dim", "times num_attention_heads is " + std::to_string(query_width), config.head_dim);
  if (config.head_dim % 2 != 0)
    fail_config("head_dim", "must be even, not " + std::to_string(config.head_dim), config.head_dim);
}

}  // namespace

ModelConfig ModelConfig::parse(const json& config) {
  if (!config.is_object()) fail_config("the document", "must be an object", config);
  const Family& family = find_family(config);
  refuse_unsupported(config);

  ModelConfig result;
  result.family = family.family;
  result.architecture = family.architecture;
  result.hidden_size = integer(config, "hidden_size", 1, kMaxWidth);
  result.intermediate_size = integer(config, "intermediate_size", 1, kMaxWidth);
  result.n_layers = integer(config, "num_hidden_layers", 1, 10'000);
  result.n_heads = integer(config, "num_attention_heads", 1, 65'536);
  result.n_kv_heads = result.n_heads;
  if (present(config, "num_key_value_heads")) {
    result.n_kv_heads = integer(config, "num_key_value_heads", 1, result.n_heads);
  } else if (!config.contains("num_key_value_heads") && family.default_kv_heads != 0) {
    result.n_kv_heads = family.default_kv_heads;
  }
  if (present(config, "head_dim")) {
    result.head_dim = integer(config, "head_dim", 2, 65'536);
  } else {
    if (result.hidden_size % result.n_heads != 0)
      fail_config("hidden_size",
                  "= " + std::to_string(result.hidden_size) +
                      " is not a multiple of num_attention_heads = " + std::to_string(result.n_heads),
                  result.hidden_size);
    result.head_dim = result.hidden_size / result.n_heads;
  }
  result.vocab_size = integer(config, "vocab_size", 1, int64_t{1} << 30);
  result.max_position = integer(config, "max_position_embeddings", 1, kMost);
  result.rms_norm_eps = positive(config, "rms_norm_eps");
  result.rope = parse_rope(config, result.max_position);
  result.tied_embeddings = flag(config, "tie_word_embeddings", false);
  if (family.has_sliding_window) {
    if (present(config, "sliding_window")) {
      result.sliding_window = integer(config, "sliding_window", 1, kMost);
    } else if (!config.contains("sliding_window")) {
      result.sliding_window = family.default_sliding_window;
    }
  }
  check_sizes(result);
  return result;
}

ModelConfig ModelConfig::load(const std::filesystem::path& folder) {
  const auto path = folder / "config.json";
  std::error_code ignored;
  if (!std::filesystem::is_regular_file(path, ignored))
    throw Error("model.not_found", folder.string() + " has no config.json.",
                "Point to a model folder in Hugging Face layout.", {{"path", folder.string()}});
  const MappedFile file(path);
  const ParsedJson config = parse_json(file.bytes());
  if (!config.problem.empty())
    throw Error("model.bad_config", path.string() + ": " + config.problem + ".", "Download or copy this file again.",
                {{"path", path.string()}});
  return parse(config.value);
}

int64_t parameter_count(const ModelConfig& config) {
  const int64_t q = config.n_heads * config.head_dim, kv = config.n_kv_heads * config.head_dim;
  const int64_t attention = config.hidden_size * (2 * q + 2 * kv);
  const int64_t mlp = 3 * config.hidden_size * config.intermediate_size;
  const int64_t norms = 2 * config.hidden_size;
  const int64_t embeddings = config.vocab_size * config.hidden_size * (config.tied_embeddings ? 1 : 2);
  return embeddings + config.n_layers * (attention + mlp + norms) + config.hidden_size;
}

}  // namespace collie
