// Llamas with scales (Granite) and with layers that do not rotate (SmolLM3).
#include "core/model/families/family.h"
#include "core/model/gguf_keys.h"

namespace collie {
namespace {

using namespace config_keys;
using nlohmann::json;

void read_granite(const json& config, const FamilyDefaults& defaults, ModelConfig& result) {
  ModelTraits& t = result.traits;
  t.activation = family::read_activation(config, "hidden_act", "silu");
  t.qkv_bias = t.o_bias = flag(config, "attention_bias", false);
  t.mlp_bias = flag(config, "mlp_bias", false);
  t.attention_scale = positive(config, "attention_multiplier", 1);
  t.embedding_scale = positive(config, "embedding_multiplier", 1);
  t.scales_prompts = true;
  t.residual_scale = positive(config, "residual_multiplier", 1);
  t.logit_scale = 1 / positive(config, "logits_scaling", 1);
  family::read_plain_rope(config, defaults, result);
}

// "no_rope_layers" says 1 where a layer rotates; without it every fourth does not.
bool rotates(const json& config, int64_t layer) {
  const json* list = present(config, "no_rope_layers");
  if (!list) return (layer + 1) % integer(config, "no_rope_layer_interval", 1, 10'000, 4) != 0;
  if (!list->is_array() || static_cast<int64_t>(list->size()) <= layer ||
      !(*list)[static_cast<size_t>(layer)].is_number_integer())
    fail_config("no_rope_layers", "must be a list of 0 and 1, one a layer", *list);
  return (*list)[static_cast<size_t>(layer)] != 0;
}

void read_smollm3(const json& config, const FamilyDefaults& defaults, ModelConfig& result) {
  ModelTraits& t = result.traits;
  t.activation = family::read_activation(config, "hidden_act", "silu");
  t.qkv_bias = t.o_bias = flag(config, "attention_bias", false);
  t.mlp_bias = flag(config, "mlp_bias", false);
  family::read_plain_rope(config, defaults, result);
  const int64_t window = flag(config, "use_sliding_window", false) ? family::read_window(config, 0) : 0;
  for (int64_t i = 0; i < result.n_layers; ++i)
    result.kinds.push_back(rotates(config, i) ? LayerKind{}
                                              : LayerKind{.window = window, .rope = LayerKind::kNoRotary});
}

void gguf_granite(const GgufFile& file, nlohmann::ordered_json& config) {
  config["attention_multiplier"] = gguf_keys::number(file, "granite.attention.scale");
  config["embedding_multiplier"] = gguf_keys::number(file, "granite.embedding_scale", 1.0);
  config["residual_multiplier"] = gguf_keys::number(file, "granite.residual_scale", 1.0);
  config["logits_scaling"] = gguf_keys::number(file, "granite.logit_scale", 1.0);
}

constexpr Family kRows[] = {
    {.architecture = "GraniteForCausalLM",
     .family = "granite",
     .title = "Granite 3 and 4 (dense)",
     .defaults = {.eps = 1e-6},
     .read = read_granite,
     .biases = Biases::settable,
     .gguf = {"granite", true, gguf_granite}},
    {.architecture = "SmolLM3ForCausalLM",
     .family = "smollm3",
     .title = "SmolLM3",
     .defaults = {.kv_heads = 4, .eps = 1e-6, .theta = 2e6, .tied = true},
     .read = read_smollm3,
     .biases = Biases::settable,
     .gguf = {"smollm3", true}},
};

}  // namespace

std::span<const Family> scaled_families() { return kRows; }

}  // namespace collie
