// Gemma 1 to 3: norms that store w - 1, GELU, scaled embeddings; from 2 on norms around both blocks and windows.
#include <cmath>

#include "core/model/families/family.h"
#include "core/model/gguf_keys.h"

namespace collie {
namespace {

using namespace config_keys;
using nlohmann::json;
using nlohmann::ordered_json;

void read_common(const json& config, const char* activation, ModelConfig& result) {
  ModelTraits& t = result.traits;
  t.norm_offset = 1;
  t.activation = family::read_activation(config, activation, "gelu_pytorch_tanh");
  // The first files of Gemma say "gelu" and mean the approximation.
  if (t.activation == Activation::gelu_erf) t.activation = Activation::gelu_tanh;
  t.qkv_bias = t.o_bias = flag(config, "attention_bias", false);
  t.embedding_scale = std::sqrt(static_cast<double>(result.hidden_size));
  t.embedding_scale_rounded = true;
}

void read_gemma(const json& config, const FamilyDefaults& defaults, ModelConfig& result) {
  read_common(config, "hidden_act", result);
  family::read_plain_rope(config, defaults, result);
}

// post_attention_layernorm is Llama's norm before the MLP, and here that of what attention gives.
void read_sandwich(const json& config, ModelConfig& result) {
  ModelTraits& t = result.traits;
  t.attention_out_norm = "post_attention_layernorm";
  t.mlp_norm = "pre_feedforward_layernorm";
  t.mlp_out_norm = "post_feedforward_layernorm";
  t.attention_scale = 1 / std::sqrt(positive(config, "query_pre_attn_scalar", 256));
}

double read_cap(const json& config, const char* key, double fallback) {
  return present(config, key) ? positive(config, key) : config.contains(key) ? 0 : fallback;
}

bool all_but_every(int64_t layer, int64_t pattern) { return (layer + 1) % pattern != 0; }

void read_gemma2(const json& config, const FamilyDefaults& defaults, ModelConfig& result) {
  read_common(config, "hidden_activation", result);
  read_sandwich(config, result);
  result.traits.attention_softcap = read_cap(config, "attn_logit_softcapping", 50);
  result.traits.logit_softcap = read_cap(config, "final_logit_softcapping", 30);
  family::read_plain_rope(config, defaults, result);
  const int64_t window = family::read_window(config, 4096);
  for (const bool slides : family::sliding_layers(config, result.n_layers, all_but_every, 2))
    result.kinds.push_back({.window = slides ? window : 0});
}

// Layers with a window rotate by a table of their own, without the scaling of the others.
void read_gemma3(const json& config, const FamilyDefaults& defaults, ModelConfig& result) {
  constexpr int64_t kFull = 0, kSliding = 1;
  read_common(config, "hidden_activation", result);
  read_sandwich(config, result);
  ModelTraits& t = result.traits;
  t.qk_norm = QkNorm::per_head;
  t.attention_softcap = read_cap(config, "attn_logit_softcapping", 0);
  t.logit_softcap = read_cap(config, "final_logit_softcapping", 0);
  family::require_flag(config, "use_bidirectional_attention", false);
  const RopeDefaults rope = family::rope_defaults(defaults, result);
  const bool nested = present(config, "rope_parameters") != nullptr;
  RopeConfig local{.theta = positive(config, "rope_local_base_freq", 10000)};
  if (nested) local = read_rope(config, {.theta = local.theta, .max_position = rope.max_position}, "sliding_attention");
  result.ropes = {read_rope(config, rope), local};
  const int64_t window = family::read_window(config, 4096);
  const int64_t pattern =
      integer(config, "sliding_window_pattern", 1, 10'000, integer(config, "_sliding_window_pattern", 1, 10'000, 6));
  for (const bool slides : family::sliding_layers(config, result.n_layers, all_but_every, pattern))
    result.kinds.push_back(slides ? LayerKind{.window = window, .rope = kSliding}
                                  : LayerKind{.window = 0, .rope = kFull});
}

// transformers' Gemma3TextConfig; the 4B, 12B and 27B models leave out what is equal.
nlohmann::json gemma3_defaults() {
  return {{"vocab_size", 262208},      {"hidden_size", 2304},
          {"intermediate_size", 9216}, {"num_hidden_layers", 26},
          {"num_attention_heads", 8},  {"num_key_value_heads", 4},
          {"head_dim", 256},           {"max_position_embeddings", 131072}};
}

// The scale of scores is in no key: llama.cpp takes the head's size, and in the 27B models the hidden size by heads.
void gguf_scale(const GgufFile& file, ordered_json& config) {
  const int64_t layers = config["num_hidden_layers"], heads = config["num_attention_heads"],
                hidden = config["hidden_size"];
  const bool largest = layers == (file.architecture() == "gemma2" ? 46 : 62);
  config["query_pre_attn_scalar"] = largest ? hidden / heads : config["head_dim"].get<int64_t>();
}

void gguf_gemma2(const GgufFile& file, ordered_json& config) {
  gguf_scale(file, config);
  config["attn_logit_softcapping"] = gguf_keys::number(file, "gemma2.attn_logit_softcapping", 50.0);
  config["final_logit_softcapping"] = gguf_keys::number(file, "gemma2.final_logit_softcapping", 30.0);
  config["sliding_window"] = gguf_keys::integer(file, "gemma2.attention.sliding_window", 4096);
}

void gguf_gemma3(const GgufFile& file, ordered_json& config) {
  gguf_scale(file, config);
  config["rope_local_base_freq"] = gguf_keys::number(file, "gemma3.rope.freq_base_swa", 10000.0);
  config["sliding_window"] = gguf_keys::integer(file, "gemma3.attention.sliding_window", 1024);
  config["sliding_window_pattern"] = gguf_keys::integer(file, "gemma3.attention.sliding_window_pattern", 6);
}

constexpr FamilyDefaults kGemma3 = {.kv_heads = 4, .head_dim = 256, .eps = 1e-6, .theta = 1e6, .tied = true};

constexpr Family kRows[] = {
    {.architecture = "GemmaForCausalLM",
     .family = "gemma",
     .title = "Gemma",
     .defaults = {.kv_heads = 16, .head_dim = 256, .eps = 1e-6, .tied = true},
     .read = read_gemma,
     .gguf = {"gemma"}},
    {.architecture = "Gemma2ForCausalLM",
     .family = "gemma2",
     .title = "Gemma 2",
     .defaults = {.kv_heads = 4, .head_dim = 256, .eps = 1e-6, .tied = true},
     .read = read_gemma2,
     .gguf = {"gemma2", false, gguf_gemma2}},
    {.architecture = "Gemma3ForCausalLM",
     .family = "gemma3_text",
     .title = "Gemma 3 (text)",
     .defaults = kGemma3,
     .read = read_gemma3,
     .gguf = {"gemma3", false, gguf_gemma3},
     .text_defaults = gemma3_defaults},
};

}  // namespace

std::span<const Family> gemma_families() { return kRows; }

}  // namespace collie
