// InternLM 1 to 3, and MiniCPM, which are Llamas in most things.
#include <cmath>

#include "core/model/families/family.h"
#include "core/model/gguf_keys.h"

namespace collie {
namespace {

using namespace config_keys;
using nlohmann::json;

// {"rotary": {"type": "dynamic", "base": 10000, "scaling_factor": 2}} in the first versions; older files have none of it.
json usual_rotary(const json& given) {
  json config = given;
  const json* rotary = present(given, "rotary");
  if (!rotary) return config;
  if (!rotary->is_object()) fail_config("rotary", "must be an object", *rotary);
  config["rope_theta"] = positive(*rotary, "base", 10000);
  const std::string type = text(*rotary, "type", "origin");
  if (type == "dynamic")
    config["rope_scaling"] = {{"type", "dynamic"}, {"factor", positive(*rotary, "scaling_factor", 1)}};
  if (type != "dynamic" && type != "origin") fail_feature("rotary.type", type, "origin, dynamic");
  return config;
}

void read_internlm(const json& config, const FamilyDefaults& defaults, ModelConfig& result) {
  result.traits.activation = family::read_activation(config, "hidden_act", "silu");
  result.traits.qkv_bias = result.traits.o_bias = flag(config, "bias", true);
  family::read_plain_rope(config, defaults, result);
}

void read_internlm3(const json& config, const FamilyDefaults& defaults, ModelConfig& result) {
  ModelTraits& t = result.traits;
  t.activation = family::read_activation(config, "hidden_act", "silu");
  t.qkv_bias = flag(config, "qkv_bias", false);
  t.o_bias = t.mlp_bias = flag(config, "bias", false);
  family::read_plain_rope(config, defaults, result);
}

void read_minicpm(const json& config, const FamilyDefaults& defaults, ModelConfig& result) {
  ModelTraits& t = result.traits;
  t.activation = family::read_activation(config, "hidden_act", "silu");
  t.qkv_bias = t.o_bias = flag(config, "attention_bias", false);
  t.embedding_scale = positive(config, "scale_emb", 1);
  t.residual_scale = positive(config, "scale_depth", 1) / std::sqrt(static_cast<double>(result.n_layers));
  t.logit_scale = positive(config, "dim_model_base", 1) / static_cast<double>(result.hidden_size);
  if (present(config, "num_experts") && integer(config, "num_experts", 0, kMost) > 0)
    fail_feature("num_experts", config["num_experts"], "0");
  family::read_plain_rope(config, defaults, result);
}

void gguf_internlm2(const GgufFile& file, nlohmann::ordered_json& config) {
  config["bias"] = family::gguf_layer_has(file, {"attn_output.bias"});
}

// Files without the scales are of the first models.
void gguf_minicpm(const GgufFile& file, nlohmann::ordered_json& config) {
  const auto layers = config["num_hidden_layers"].get<double>(), width = config["hidden_size"].get<double>();
  config["scale_emb"] = gguf_keys::number(file, "minicpm.embedding_scale", 12.0);
  config["scale_depth"] =
      gguf_keys::number(file, "minicpm.residual_scale", 1.4 / std::sqrt(layers)) * std::sqrt(layers);
  config["dim_model_base"] = width / gguf_keys::number(file, "minicpm.logit_scale", width / 256);
}

constexpr ModuleName kModules[] = {{"self_attn.o_proj", "attention.wo"},  {"mlp.gate_proj", "feed_forward.w1"},
                                   {"mlp.up_proj", "feed_forward.w3"},    {"mlp.down_proj", "feed_forward.w2"},
                                   {"input_layernorm", "attention_norm"}, {"post_attention_layernorm", "ffn_norm"}};
constexpr FusedTensor kFused[] = {{"attention.wqkv", kQkvParts, Cut::by_group}};
constexpr FileNames kNames = {.embedding = "model.tok_embeddings", .head = "output", .in_layers = kModules};

constexpr Family kRows[] = {
    {.architecture = "InternLMForCausalLM",
     .family = "internlm",
     .title = "InternLM",
     .defaults = {.eps = 1e-6},
     .read = read_internlm,
     .usual = usual_rotary},
    {.architecture = "InternLM2ForCausalLM",
     .family = "internlm2",
     .title = "InternLM 2 and 2.5",
     .defaults = {.eps = 1e-6},
     .read = read_internlm,
     .fused = kFused,
     .names = kNames,
     .gguf = {.architecture = "internlm2", .permuted = true, .configure = gguf_internlm2}},
    {.architecture = "InternLM3ForCausalLM",
     .family = "internlm3",
     .title = "InternLM 3",
     .defaults = {.kv_heads = 2, .head_dim = 128, .eps = 1e-6},
     .read = read_internlm3},
    {.architecture = "MiniCPMForCausalLM",
     .family = "minicpm",
     .title = "MiniCPM 1 and 2",
     .defaults = {.eps = 1e-6, .tied = true},
     .read = read_minicpm,
     .gguf = {.architecture = "minicpm", .permuted = true, .configure = gguf_minicpm}},
};

}  // namespace

std::span<const Family> internlm_families() { return kRows; }

}  // namespace collie
