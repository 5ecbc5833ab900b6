// GPT-NeoX and what is built like it: LayerNorm, a part of every head rotates, attention and MLP mostly side by side.
#include <utility>

#include "core/model/families/family.h"
#include "core/model/gguf_keys.h"

namespace collie {
namespace {

using namespace config_keys;
using nlohmann::json;
using nlohmann::ordered_json;

constexpr std::pair<const char*, const char*> kNeoxKeys[] = {{"rotary_emb_base", "rope_theta"},
                                                             {"rotary_pct", "partial_rotary_factor"}};

json neox_keys(const json& given) { return family::with_usual_keys(given, kNeoxKeys); }

void read_neox(const json& config, const FamilyDefaults& defaults, ModelConfig& result) {
  ModelTraits& t = result.traits;
  family::take_layer_norm(t);
  t.activation = family::read_activation(config, "hidden_act", "gelu");
  t.qkv_bias = t.o_bias = flag(config, "attention_bias", true);
  t.mlp_bias = true;
  t.gated = false;
  t.parallel = flag(config, "use_parallel_residual", true);
  t.rotary_share = read_rotary_share(config, 0.25);
  family::read_plain_rope(config, defaults, result);
}

void read_stablelm(const json& config, const FamilyDefaults& defaults, ModelConfig& result) {
  family::require_flag(config, "qk_layernorm", false);
  ModelTraits& t = result.traits;
  family::take_layer_norm(t);
  t.activation = family::read_activation(config, "hidden_act", "silu");
  t.qkv_bias = flag(config, "use_qkv_bias", false);
  t.parallel = flag(config, "use_parallel_residual", false);
  if (t.parallel) t.mlp_norm = "";
  t.rotary_share = read_rotary_share(config, 0.25);
  family::read_plain_rope(config, defaults, result);
}

void read_starcoder2(const json& config, const FamilyDefaults& defaults, ModelConfig& result) {
  ModelTraits& t = result.traits;
  family::take_layer_norm(t);
  t.activation = family::read_activation(config, "hidden_act", "gelu_pytorch_tanh");
  t.qkv_bias = t.o_bias = t.mlp_bias = flag(config, "use_bias", true);
  t.gated = false;
  family::read_plain_rope(config, defaults, result);
  const int64_t window = family::read_window(config, 0);
  if (window != 0) result.kinds.assign(static_cast<size_t>(result.n_layers), {.window = window});
}

bool all_but_every(int64_t layer, int64_t pattern) { return (layer + 1) % pattern != 0; }

// Without biases of norms, and neighbours rotate.
void read_cohere(const json& config, const FamilyDefaults& defaults, ModelConfig& result) {
  family::require_flag(config, "use_qk_norm", false);
  ModelTraits& t = result.traits;
  t.norm = NormKind::layer;
  t.activation = family::read_activation(config, "hidden_act", "silu");
  t.qkv_bias = t.o_bias = flag(config, "attention_bias", false);
  t.parallel = true;
  t.mlp_norm = "";
  t.pairs = RotaryPairs::adjacent;
  t.logit_scale = positive(config, "logit_scale", 0.0625);
  family::read_plain_rope(config, defaults, result);
}

// Layers that see everything do not rotate.
void read_cohere2(const json& config, const FamilyDefaults& defaults, ModelConfig& result) {
  read_cohere(config, defaults, result);
  const int64_t window = family::read_window(config, 4096),
                pattern = integer(config, "sliding_window_pattern", 1, 10'000, 4);
  for (const bool slides : family::sliding_layers(config, result.n_layers, all_but_every, pattern))
    result.kinds.push_back(slides ? LayerKind{.window = window} : LayerKind{.rope = LayerKind::kNoRotary});
}

json falcon_keys(const json& given) {
  json config = given;
  const bool grouped = flag(given, "new_decoder_architecture", false);
  if (grouped && present(given, "num_kv_heads"))
    config["num_key_value_heads"] = given["num_kv_heads"];
  else if (!grouped && flag(given, "multi_query", true))
    config["num_key_value_heads"] = 1;
  else
    config.erase("num_key_value_heads");
  if (const json* inner = present(given, "ffn_hidden_size"))
    config["intermediate_size"] = *inner;
  else if (!present(given, "intermediate_size"))
    config["intermediate_size"] = 4 * integer(given, "hidden_size", 1, kMaxWidth / 4);
  if (!present(given, "max_position_embeddings")) config["max_position_embeddings"] = 2048;
  return config;
}

void read_falcon(const json& config, const FamilyDefaults& defaults, ModelConfig& result) {
  if (flag(config, "alibi", false))
    fail_feature("alibi", true, "false: heads that rotate, as in Falcon 7B, 11B, 40B and 180B");
  ModelTraits& t = result.traits;
  family::take_layer_norm(t);
  t.activation = family::read_activation(config, "activation", "gelu");
  t.qkv_bias = t.o_bias = t.mlp_bias = flag(config, "bias", false);
  t.gated = false;
  const bool grouped = flag(config, "new_decoder_architecture", false);
  t.parallel = grouped || flag(config, "parallel_attn", true);
  const int64_t norms = integer(config, "num_ln_in_parallel_attn", 1, 2, grouped ? 2 : 1);
  if (t.parallel) t.mlp_norm = "";
  if (grouped && norms == 2) {
    t.attention_norm = "ln_attn";
    t.mlp_norm = "ln_mlp";
  }
  family::read_plain_rope(config, defaults, result);
}

void gguf_neox(const GgufFile& file, ordered_json& config) {
  if (!config.contains("partial_rotary_factor")) config["partial_rotary_factor"] = 1;
  family::take_own_keys(config, kNeoxKeys);
  const json* parallel = file.find("gptneox.use_parallel_residual");
  config["use_parallel_residual"] = !parallel || *parallel != false;
  config["attention_bias"] = family::gguf_layer_has(file, {"attn_qkv.bias"});
}

void gguf_stablelm(const GgufFile& file, ordered_json& config) {
  if (!config.contains("partial_rotary_factor")) config["partial_rotary_factor"] = 1;
  config["use_parallel_residual"] = !family::gguf_layer_has(file, {"ffn_norm.weight"});  // as llama.cpp decides it
  config["use_qkv_bias"] = family::gguf_layer_has(file, {"attn_q.bias"});
}

// Files do not say that layers have windows; those of all published models are of 4096.
void gguf_starcoder2(const GgufFile& file, ordered_json& config) {
  config["use_bias"] = family::gguf_layer_has(file, {"attn_output.bias"});
  config["sliding_window"] = 4096;
}

void gguf_cohere(const GgufFile& file, ordered_json& config) {
  config["logit_scale"] = gguf_keys::number(file, file.architecture() + ".logit_scale");
  config["attention_bias"] = family::gguf_layer_has(file, {"attn_q.bias"});
}

void gguf_cohere2(const GgufFile& file, ordered_json& config) {
  gguf_cohere(file, config);
  config["sliding_window"] = gguf_keys::integer(file, "cohere2.attention.sliding_window", 4096);
  config["sliding_window_pattern"] = 4;
}

// Falcon RW, the one family with as many key-value heads as heads, has ALiBi, which files do not say.
void gguf_falcon(const GgufFile& file, ordered_json& config) {
  const int64_t heads = config["num_attention_heads"], kv_heads = config["num_key_value_heads"];
  if (kv_heads == heads && heads > 1)
    gguf_keys::fail_feature("as many key-value heads as heads, as Falcon RW with ALiBi");
  const bool two_norms = family::gguf_layer_has(file, {"attn_norm_2.weight"}), grouped = two_norms || kv_heads > 1;
  config["num_kv_heads"] = kv_heads;
  config["multi_query"] = !grouped;
  config["new_decoder_architecture"] = grouped;
  config["parallel_attn"] = true;
  config["num_ln_in_parallel_attn"] = two_norms ? 2 : 1;
  config["bias"] = family::gguf_layer_has(file, {"attn_qkv.bias"});
  config["alibi"] = false;
  config["ffn_hidden_size"] = config["intermediate_size"];
  for (const char* key : {"num_key_value_heads", "intermediate_size"}) config.erase(key);
}

constexpr ModuleName kNeoxModules[] = {{"self_attn.o_proj", "attention.dense"},
                                       {"mlp.up_proj", "mlp.dense_h_to_4h"},
                                       {"mlp.down_proj", "mlp.dense_4h_to_h"}};
constexpr FusedTensor kNeoxFused[] = {{"attention.query_key_value", kQkvParts, Cut::by_group}};
constexpr FileNames kNeoxNames = {.embedding = "gpt_neox.embed_in",
                                  .norm = "gpt_neox.final_layer_norm",
                                  .head = "embed_out",
                                  .layers = "gpt_neox.layers.",
                                  .in_layers = kNeoxModules};
constexpr ModuleName kStarcoderModules[] = {{"mlp.up_proj", "mlp.c_fc"}, {"mlp.down_proj", "mlp.c_proj"}};

constexpr ModuleName kFalconModules[] = {{"self_attn.o_proj", "self_attention.dense"},
                                         {"mlp.up_proj", "mlp.dense_h_to_4h"},
                                         {"mlp.down_proj", "mlp.dense_4h_to_h"}};
constexpr FusedTensor kFalconFused[] = {{"self_attention.query_key_value", kQkvParts, Cut::by_group}};
constexpr FileNames kFalconNames = {.embedding = "transformer.word_embeddings",
                                    .norm = "transformer.ln_f",
                                    .layers = "transformer.h.",
                                    .in_layers = kFalconModules};

constexpr ModuleName kFalconGguf[] = {{"ln_attn", "attn_norm_2"}, {"ln_mlp", "attn_norm"}};

constexpr Family kRows[] = {
    {.architecture = "GPTNeoXForCausalLM",
     .family = "gpt_neox",
     .title = "GPT-NeoX, Pythia",
     .defaults = {.eps = 1e-5, .eps_key = "layer_norm_eps"},
     .read = read_neox,
     .fused = kNeoxFused,
     .names = kNeoxNames,
     .gguf = {.architecture = "gptneox", .configure = gguf_neox},
     .usual = neox_keys},
    {.architecture = "StableLmForCausalLM",
     .family = "stablelm",
     .title = "StableLM 2 and 3B",
     .defaults = {.kv_heads = 32, .eps = 1e-5, .eps_key = "layer_norm_eps"},
     .read = read_stablelm,
     .gguf = {.architecture = "stablelm", .configure = gguf_stablelm}},
    {.architecture = "Starcoder2ForCausalLM",
     .family = "starcoder2",
     .title = "StarCoder 2",
     .defaults = {.kv_heads = 2, .eps = 1e-5, .eps_key = "norm_epsilon", .tied = true},
     .read = read_starcoder2,
     .names = {.in_layers = kStarcoderModules},
     .gguf = {.architecture = "starcoder2", .configure = gguf_starcoder2}},
    {.architecture = "CohereForCausalLM",
     .family = "cohere",
     .title = "Command R",
     .defaults = {.eps = 1e-5, .eps_key = "layer_norm_eps", .theta = 500000, .tied = true},
     .read = read_cohere,
     .gguf = {.architecture = "command-r", .configure = gguf_cohere}},
    {.architecture = "Cohere2ForCausalLM",
     .family = "cohere2",
     .title = "Command R7B, Command A",
     .defaults = {.eps = 1e-5, .eps_key = "layer_norm_eps", .tied = true},
     .read = read_cohere2,
     .gguf = {.architecture = "cohere2", .configure = gguf_cohere2}},
    {.architecture = "FalconForCausalLM",
     .family = "falcon",
     .title = "Falcon 7B to 180B",
     .defaults = {.eps = 1e-5, .eps_key = "layer_norm_epsilon", .tied = true},
     .read = read_falcon,
     .fused = kFalconFused,
     .names = kFalconNames,
     .gguf = {.architecture = "falcon", .configure = gguf_falcon, .names = kFalconGguf},
     .usual = falcon_keys},
};

}  // namespace

std::span<const Family> neox_families() { return kRows; }

}  // namespace collie
