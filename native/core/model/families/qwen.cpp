// Qwen2, Qwen2.5 and their distilled relatives; Qwen3.
#include "core/model/families/family.h"

namespace collie {
namespace {

using namespace config_keys;
using nlohmann::json;

bool from_layer(int64_t layer, int64_t first) { return layer >= first; }

// A window counts only with use_sliding_window, in the layers from max_window_layers on.
void read_window_layers(const json& config, ModelConfig& result) {
  if (!flag(config, "use_sliding_window", false)) return;
  const int64_t window = family::read_window(config, 4096), first = integer(config, "max_window_layers", 0, 10'000, 28);
  if (window == 0) return;
  for (const bool slides : family::sliding_layers(config, result.n_layers, from_layer, first))
    result.kinds.push_back({.window = slides ? window : 0});
}

void read_qwen2(const json& config, const FamilyDefaults& defaults, ModelConfig& result) {
  result.traits.activation = family::read_activation(config, "hidden_act", "silu");
  result.traits.qkv_bias = true;  // no key says so
  family::read_plain_rope(config, defaults, result);
  read_window_layers(config, result);
}

void read_qwen3(const json& config, const FamilyDefaults& defaults, ModelConfig& result) {
  result.traits.activation = family::read_activation(config, "hidden_act", "silu");
  result.traits.qkv_bias = result.traits.o_bias = flag(config, "attention_bias", false);
  result.traits.qk_norm = QkNorm::per_head;
  family::read_plain_rope(config, defaults, result);
  read_window_layers(config, result);
}

constexpr Family kRows[] = {
    {.architecture = "Qwen2ForCausalLM",
     .family = "qwen2",
     .title = "Qwen2, Qwen2.5, R1 distils of Qwen",
     .defaults = {.kv_heads = 32, .eps = 1e-6},
     .read = read_qwen2,
     .gguf = {"qwen2"}},
    {.architecture = "Qwen3ForCausalLM",
     .family = "qwen3",
     .title = "Qwen3",
     .defaults = {.kv_heads = 32, .head_dim = 128, .eps = 1e-6},
     .read = read_qwen3,
     .gguf = {"qwen3"}},
};

}  // namespace

std::span<const Family> qwen_families() { return kRows; }

}  // namespace collie
