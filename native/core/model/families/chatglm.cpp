// ChatGLM2, ChatGLM3 and GLM-4-9B as published with code of their own: GLM-4's decoder under other names and keys.
#include "core/model/families/family.h"

namespace collie {
namespace {

using namespace config_keys;
using nlohmann::json;

constexpr std::pair<const char*, const char*> kKeys[] = {
    {"num_layers", "num_hidden_layers"},       {"ffn_hidden_size", "intermediate_size"},
    {"padded_vocab_size", "vocab_size"},       {"kv_channels", "head_dim"},
    {"seq_length", "max_position_embeddings"}, {"layernorm_epsilon", "rms_norm_eps"}};

json usual_keys(const json& given) {
  if (present(given, "position_encoding_2d"))
    fail_feature("position_encoding_2d", given["position_encoding_2d"], "none: ChatGLM2 and later");
  json config = family::with_usual_keys(given, kKeys);
  if (const json* groups = present(given, "multi_query_group_num")) config["num_key_value_heads"] = *groups;
  config["rope_theta"] = 10000 * positive(given, "rope_ratio", 1);
  return config;
}

void read_chatglm(const json& config, const FamilyDefaults& defaults, ModelConfig& result) {
  for (const char* key : {"rmsnorm", "multi_query_attention", "post_layer_norm", "original_rope"})
    family::require_flag(config, key, true);
  for (const char* key : {"add_bias_linear", "apply_residual_connection_post_layernorm"})
    family::require_flag(config, key, false);
  if (integer(config, "quantization_bit", 0, 16, 0) != 0)
    fail_feature("quantization_bit", config["quantization_bit"], "0, unquantized weights");
  ModelTraits& t = result.traits;
  t.qkv_bias = flag(config, "add_qkv_bias", true);
  t.rotary_share = 0.5;
  t.pairs = RotaryPairs::adjacent;
  family::read_plain_rope(config, defaults, result);
}

constexpr ModuleName kModules[] = {{"self_attn.o_proj", "self_attention.dense"},
                                   {"mlp.down_proj", "mlp.dense_4h_to_h"}};
constexpr FusedTensor kFused[] = {{"self_attention.query_key_value", kQkvParts}, {"mlp.dense_h_to_4h", kGateUpParts}};
constexpr FileNames kNames = {.embedding = "transformer.embedding.word_embeddings",
                              .norm = "transformer.encoder.final_layernorm",
                              .head = "transformer.output_layer",
                              .layers = "transformer.encoder.layers.",
                              .in_layers = kModules};

constexpr Family kRows[] = {
    {.architecture = "ChatGLMModel",
     .family = "chatglm",
     .title = "ChatGLM2, ChatGLM3, GLM-4-9B",
     .defaults = {.kv_heads = 2, .eps = 1e-5},
     .read = read_chatglm,
     .fused = kFused,
     .names = kNames,
     .usual = usual_keys,
     .also = "ChatGLMForConditionalGeneration"},
};

}  // namespace

std::span<const Family> chatglm_families() { return kRows; }

}  // namespace collie
