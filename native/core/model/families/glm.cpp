// GLM-4: half of every head rotates, neighbouring elements together; gate and up are one tensor of the file.
#include "core/model/families/family.h"

namespace collie {
namespace {

using namespace config_keys;
using nlohmann::json;

void read_glm(const json& config, const FamilyDefaults& defaults, ModelConfig& result) {
  ModelTraits& t = result.traits;
  t.activation = family::read_activation(config, "hidden_act", "silu");
  t.qkv_bias = flag(config, "attention_bias", true);
  t.rotary_share = read_rotary_share(config, 0.5);
  t.pairs = RotaryPairs::adjacent;
  family::read_plain_rope(config, defaults, result);
}

void read_glm4(const json& config, const FamilyDefaults& defaults, ModelConfig& result) {
  read_glm(config, defaults, result);
  result.traits.attention_out_norm = "post_self_attn_layernorm";
  result.traits.mlp_out_norm = "post_mlp_layernorm";
}

void gguf_glm(const GgufFile& file, nlohmann::ordered_json& config) {
  if (!config.contains("partial_rotary_factor")) config["partial_rotary_factor"] = 1;
  config["attention_bias"] = family::gguf_layer_has(file, {"attn_q.bias", "attn_qkv.bias"});
}

constexpr FamilyDefaults kDefaults = {.kv_heads = 2, .head_dim = 128, .eps = 1.5625e-7};

constexpr Family kRows[] = {
    {.architecture = "GlmForCausalLM",
     .family = "glm",
     .title = "GLM-4-9B (-hf)",
     .defaults = kDefaults,
     .read = read_glm,
     .fused = kFusedGateUp,
     .gguf = {.architecture = "chatglm", .configure = gguf_glm}},
    {.architecture = "Glm4ForCausalLM",
     .family = "glm4",
     .title = "GLM-4-0414",
     .defaults = kDefaults,
     .read = read_glm4,
     .fused = kFusedGateUp,
     .gguf = {.architecture = "glm4", .configure = gguf_glm}},
};

}  // namespace

std::span<const Family> glm_families() { return kRows; }

}  // namespace collie
