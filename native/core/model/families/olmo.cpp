// OLMo 2, OLMo 3, EXAONE 4: norms of what the blocks give, none before them.
#include <algorithm>

#include "core/model/families/family.h"

namespace collie {
namespace {

using namespace config_keys;
using nlohmann::json;

void read_common(const json& config, QkNorm qk_norm, ModelConfig& result) {
  ModelTraits& t = result.traits;
  t.activation = family::read_activation(config, "hidden_act", "silu");
  t.attention_norm = t.mlp_norm = "";
  t.attention_out_norm = "post_attention_layernorm";
  t.mlp_out_norm = "post_feedforward_layernorm";
  t.qk_norm = qk_norm;
}

bool all_but_every(int64_t layer, int64_t pattern) { return (layer + 1) % pattern != 0; }

void read_olmo2(const json& config, const FamilyDefaults& defaults, ModelConfig& result) {
  read_common(config, QkNorm::whole, result);
  result.traits.qkv_bias = result.traits.o_bias = flag(config, "attention_bias", false);
  family::read_plain_rope(config, defaults, result);
}

// Layers with a window rotate without the scaling of the others.
void read_olmo3(const json& config, const FamilyDefaults& defaults, ModelConfig& result) {
  read_olmo2(config, defaults, result);
  const json* nested = present(config, "rope_parameters");
  const RopeDefaults rope{.theta = result.ropes[0].theta, .max_position = result.max_position};
  const bool by_type = nested && nested->contains("sliding_attention");
  result.ropes.push_back(by_type ? read_rope(config, rope, "sliding_attention") : RopeConfig{.theta = rope.theta});
  const int64_t window = family::read_window(config, 4096);
  for (const bool slides : family::sliding_layers(config, result.n_layers, all_but_every, 4))
    result.kinds.push_back(slides ? LayerKind{.window = window, .rope = 1} : LayerKind{});
}

// With windows, layers that see everything do not rotate.
void read_exaone4(const json& config, const FamilyDefaults& defaults, ModelConfig& result) {
  read_common(config, QkNorm::per_head, result);
  family::read_plain_rope(config, defaults, result);
  const int64_t window = family::read_window(config, 4096);
  if (window == 0) return;
  const json* letters = present(config, "sliding_window_pattern");  // "LLLG" means 4
  const bool text = letters && letters->is_string();
  const int64_t pattern = text ? static_cast<int64_t>(letters->get_ref<const std::string&>().size())
                               : integer(config, "sliding_window_pattern", 1, 10'000, 4);
  for (const bool slides :
       family::sliding_layers(config, result.n_layers, all_but_every, std::max<int64_t>(pattern, 1)))
    result.kinds.push_back(slides ? LayerKind{.window = window} : LayerKind{.rope = LayerKind::kNoRotary});
}

// Layers with a window rotate without the scaling of the others.
void gguf_olmo3(const GgufFile& file, nlohmann::ordered_json& config) {
  family::take_gguf_windows(file, config);
  config["attention_bias"] = family::gguf_layer_has(file, {"attn_q.bias"});
}

constexpr Family kRows[] = {
    {.architecture = "Olmo2ForCausalLM",
     .family = "olmo2",
     .title = "OLMo 2",
     .defaults = {.eps = 1e-5},
     .read = read_olmo2,
     .gguf = {"olmo2"}},
    {.architecture = "Olmo3ForCausalLM",
     .family = "olmo3",
     .title = "OLMo 3",
     .defaults = {.eps = 1e-5, .theta = 500000},
     .read = read_olmo3,
     .gguf = {.architecture = "olmo2", .configure = gguf_olmo3, .with_key = "attention.sliding_window"}},
    {.architecture = "Exaone4ForCausalLM",
     .family = "exaone4",
     .title = "EXAONE 4",
     .defaults = {.kv_heads = 32, .eps = 1e-5},
     .read = read_exaone4,
     .gguf = {.architecture = "exaone4", .configure = family::take_gguf_windows}},
};

}  // namespace

std::span<const Family> olmo_families() { return kRows; }

}  // namespace collie
