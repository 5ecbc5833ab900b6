// Llama and what is built like it.
#include <algorithm>

#include "core/model/families/family.h"
#include "core/model/gguf_keys.h"

namespace collie {
namespace {

using namespace config_keys;
using nlohmann::json;

void read_llama(const json& config, const FamilyDefaults& defaults, ModelConfig& result) {
  ModelTraits& t = result.traits;
  t.activation = family::read_activation(config, "hidden_act", "silu");
  t.qkv_bias = t.o_bias = flag(config, "attention_bias", false);
  t.mlp_bias = flag(config, "mlp_bias", false);
  family::read_plain_rope(config, defaults, result);
  t.rotary_share = read_rotary_share(config, 1);
}

void read_mistral(const json& config, const FamilyDefaults& defaults, ModelConfig& result) {
  result.traits.activation = family::read_activation(config, "hidden_act", "silu");
  family::read_plain_rope(config, defaults, result);
  const int64_t window = family::read_window(config, 4096);
  if (window != 0) result.kinds.assign(static_cast<size_t>(result.n_layers), {.window = window});
}

// Queries of later positions are scaled, by 1 up to the length that the model was made for first: documents end there.
void read_ministral3(const json& config, const FamilyDefaults& defaults, ModelConfig& result) {
  result.traits.activation = family::read_activation(config, "hidden_act", "silu");
  family::read_plain_rope(config, defaults, result);
  const RopeConfig& rope = result.ropes[0];
  if (rope.scaling == RopeScaling::yarn)
    result.max_position = std::min(result.max_position, rope.original_max_position);
  const int64_t window = family::read_window(config, 0);
  if (window != 0) result.kinds.assign(static_cast<size_t>(result.n_layers), {.window = window});
}

// How much queries of later positions are scaled stays in the config, for others who read it.
void gguf_ministral3(const GgufFile& file, nlohmann::ordered_json& config) {
  const double scale = gguf_keys::number(file, "mistral3.attention.temperature_scale", 0.0);
  if (scale != 0 && config["rope_scaling"].is_object()) config["rope_scaling"]["llama_4_scaling_beta"] = scale;
}

constexpr Family kRows[] = {
    {.architecture = "LlamaForCausalLM",
     .family = "llama",
     .title = "Llama",
     .read = read_llama,
     .biases = Biases::settable,
     .gguf = {"llama", true}},
    {.architecture = "MistralForCausalLM",
     .family = "mistral",
     .title = "Mistral",
     .defaults = {.kv_heads = 8},
     .read = read_mistral},
    {.architecture = "Ministral3ForCausalLM",
     .family = "ministral3",
     .title = "Ministral 3",
     .defaults = {.kv_heads = 8, .head_dim = 128, .eps = 1e-5, .theta = 1e6},
     .read = read_ministral3,
     .gguf = {.architecture = "mistral3", .permuted = true, .configure = gguf_ministral3}},
};

}  // namespace

std::span<const Family> llama_families() { return kRows; }

}  // namespace collie
