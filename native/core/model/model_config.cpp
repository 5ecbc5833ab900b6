#include "core/model/model_config.h"

#include <algorithm>
#include <cmath>

#include "core/base/error.h"
#include "core/base/file.h"
#include "core/base/json_parse.h"
#include "core/base/json_text.h"
#include "core/model/families/family.h"
#include "core/model/layer_tensors.h"

namespace collie {

using nlohmann::json;
using namespace config_keys;

namespace {

std::string known_architectures() {
  std::string known;
  for (const Family& family : families()) known += (known.empty() ? "" : ", ") + std::string(family.architecture);
  return known;
}

// Empty: config.json names none.
std::string first_architecture(const json& config) {
  const json* list = present(config, "architectures");
  return list && list->is_array() && !list->empty() && list->front().is_string() ? list->front().get<std::string>()
                                                                                 : "";
}

const Family& family_in(const json& config) {
  const std::string name = first_architecture(config);
  if (const Family* found = find_family(name)) return *found;
  const json* type =
      name.empty() ? present(config, "model_type") : nullptr;  // what transformers' AutoModelForCausalLM goes by
  if (type && type->is_string())
    if (const Family* found = find_family_of_type(type->get<std::string>())) return *found;
  const std::string known = known_architectures(), why = why_refused(name);
  throw Error("model.unknown_architecture",
              name.empty()
                  ? "config.json names no architecture" +
                        (type ? ", and its model_type " + json_text(*type) + " is not known." : " and no model_type.")
              : why.empty() ? "The architecture " + name + " is not known."
                            : "The architecture " + name + " cannot be trained: " + why + ".",
              "Known architectures: " + known + ".", {{"architecture", name}, {"known", known}});
}

// Weights in fewer bits are packed in ways of their own.
void refuse_quantized(const json& config) {
  if (const json* quantized = present(config, "quantization_config"))
    fail_feature("quantization_config",
                 quantized->is_object() ? quantized->value("quant_method", json("?")) : *quantized,
                 "unquantized weights; method.quantization nf4 makes four bits of them while training");
}

void read_heads(const json& config, const FamilyDefaults& defaults, ModelConfig& result) {
  result.n_heads = integer(config, "num_attention_heads", 1, 65'536);
  result.n_kv_heads = result.n_heads;
  if (present(config, "num_key_value_heads")) {
    result.n_kv_heads = integer(config, "num_key_value_heads", 1, result.n_heads);
  } else if (!config.contains("num_key_value_heads") && defaults.kv_heads != 0) {
    result.n_kv_heads = defaults.kv_heads;
  }
  if (present(config, "head_dim")) {
    result.head_dim = integer(config, "head_dim", 2, 65'536);
  } else if (!config.contains("head_dim") && defaults.head_dim != 0) {
    result.head_dim = defaults.head_dim;
  } else {
    if (result.hidden_size % result.n_heads != 0)
      fail_config("hidden_size",
                  "= " + std::to_string(result.hidden_size) +
                      " is not a multiple of num_attention_heads = " + std::to_string(result.n_heads),
                  result.hidden_size);
    result.head_dim = result.hidden_size / result.n_heads;
  }
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
  if (config.rotary_dim() < 2 || config.rotary_dim() % 2 != 0)
    fail_config("partial_rotary_factor",
                "of a head of " + std::to_string(config.head_dim) + " must be an even number of elements",
                config.traits.rotary_share);
  for (const RopeConfig& rope : config.ropes)
    if (rope.scaling == RopeScaling::longrope &&
        static_cast<int64_t>(rope.short_factor.size()) != config.rotary_dim() / 2)
      fail_config("rope_scaling.short_factor", "must have " + std::to_string(config.rotary_dim() / 2) + " numbers");
}

}  // namespace

int64_t ModelConfig::widest_window() const {
  int64_t widest = 0;
  for (int64_t i = 0; i < n_layers; ++i) {
    if (kind(i).window == 0) return 0;
    widest = std::max(widest, kind(i).window);
  }
  return widest;
}

int64_t ModelConfig::rotary_dim() const {
  return static_cast<int64_t>(static_cast<double>(head_dim) * traits.rotary_share);
}

double ModelConfig::attention_scale() const {
  return traits.attention_scale != 0 ? traits.attention_scale : 1 / std::sqrt(static_cast<double>(head_dim));
}

json text_config(const json& whole) {
  if (!whole.is_object()) fail_config("the document", "must be an object", whole);
  const json* inside = present(whole, "text_config");
  if (!inside) return whole;
  if (!inside->is_object()) fail_config("text_config", "must be an object", *inside);
  json config = *inside;
  const json* type = present(config, "model_type");
  const Family* family = type && type->is_string() ? find_family_of_type(type->get<std::string>()) : nullptr;
  // Of a text model that is not known, and of one that computes otherwise within the whole, the whole model's name says more.
  if (!why_refused(first_architecture(whole)).empty()) family = nullptr;
  config["architectures"] = family ? json::array({family->architecture}) : whole.value("architectures", json::array());
  if (family && family->text_defaults) {
    const json defaults = family->text_defaults();
    for (const auto& [key, value] : defaults.items())
      if (!present(config, key.c_str())) config[key] = value;
  }
  if (const json* tied = present(whole, "tie_word_embeddings"))
    config["tie_word_embeddings"] = *tied;  // the whole model's counts
  for (const char* key :
       {"quantization_config", "torch_dtype", "dtype", "bos_token_id", "eos_token_id", "pad_token_id"})
    if (const json* value = present(whole, key); value && !present(config, key)) config[key] = *value;
  return config;
}

ModelConfig ModelConfig::parse(const json& whole) {
  const json text = text_config(whole);
  const Family& family = family_in(text);
  refuse_quantized(text);
  const json config = family.usual ? family.usual(text) : text;

  ModelConfig result;
  result.family = family.family;
  result.architecture = family.architecture;
  result.hidden_size = integer(config, "hidden_size", 1, kMaxWidth);
  result.intermediate_size = integer(config, "intermediate_size", 1, kMaxWidth);
  result.n_layers = integer(config, "num_hidden_layers", 1, 10'000);
  read_heads(config, family.defaults, result);
  result.vocab_size = integer(config, "vocab_size", 1, int64_t{1} << 30);
  result.max_position = integer(config, "max_position_embeddings", 1, kMost);
  const double eps = family.defaults.eps;
  const char* eps_key = family.defaults.eps_key;
  result.norm_eps = eps != 0 ? positive(config, eps_key, eps) : positive(config, eps_key);
  result.tied_embeddings = flag(config, "tie_word_embeddings", family.defaults.tied);
  family.read(config, family.defaults, result);
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
  const int64_t embeddings = config.vocab_size * config.hidden_size * (config.tied_embeddings ? 1 : 2);
  const ModelTraits& t = config.traits;
  const int64_t final_norm = t.norm_bias ? 2 * config.hidden_size : config.hidden_size;
  const int64_t positions = t.learned_positions ? config.max_position * config.hidden_size : 0;
  return embeddings + positions + config.n_layers * layer_parameters(config) + final_norm +
         (t.head_bias ? config.vocab_size : 0);
}

}  // namespace collie
