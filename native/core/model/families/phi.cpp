// Phi-1, 1.5 and 2: LayerNorm, attention and MLP side by side. Phi-3, 3.5 and 4: a Llama whose queries, keys and values are one tensor of the
// file, gate and up another.
#include "core/model/families/family.h"

namespace collie {
namespace {

using namespace config_keys;
using nlohmann::json;
using nlohmann::ordered_json;

void read_phi3(const json& config, const FamilyDefaults& defaults, ModelConfig& result) {
  result.traits.activation = family::read_activation(config, "hidden_act", "silu");
  result.traits.rotary_share = read_rotary_share(config, 1);
  family::read_plain_rope(config, defaults, result);
  const int64_t window = family::read_window(config, 0);
  if (window != 0) result.kinds.assign(static_cast<size_t>(result.n_layers), {.window = window});
}

void read_phi(const json& config, const FamilyDefaults& defaults, ModelConfig& result) {
  family::require_flag(config, "qk_layernorm", false);
  ModelTraits& t = result.traits;
  t.norm = NormKind::layer;
  t.norm_bias = t.qkv_bias = t.o_bias = t.mlp_bias = t.head_bias = true;
  t.activation = family::read_activation(config, "hidden_act", "gelu_new");
  t.gated = false;
  t.parallel = true;
  t.mlp_norm = "";
  t.rotary_share = read_rotary_share(config, 0.5);
  family::read_plain_rope(config, defaults, result);
}

void gguf_phi(const GgufFile&, ordered_json& config) {
  if (!config.contains("partial_rotary_factor")) config["partial_rotary_factor"] = 1;
}

void gguf_phi3(const GgufFile& file, ordered_json& config) {
  family::take_gguf_windows(file, config);
  if (const json* original = file.find("phi3.rope.scaling.original_context_length"))
    config["original_max_position_embeddings"] = *original;
}

constexpr ModuleName kPhiModules[] = {
    {"self_attn.o_proj", "self_attn.dense"}, {"mlp.up_proj", "mlp.fc1"}, {"mlp.down_proj", "mlp.fc2"}};

constexpr Family kRows[] = {
    {.architecture = "PhiForCausalLM",
     .family = "phi",
     .title = "Phi-1, Phi-1.5, Phi-2",
     .defaults = {.eps = 1e-5, .eps_key = "layer_norm_eps"},
     .read = read_phi,
     .names = {.norm = "model.final_layernorm", .in_layers = kPhiModules},
     .gguf = {.architecture = "phi2", .configure = gguf_phi}},
    {.architecture = "Phi3ForCausalLM",
     .family = "phi3",
     .title = "Phi-3, Phi-3.5, Phi-4",
     .defaults = {.eps = 1e-5},
     .read = read_phi3,
     .fused = kFusedQkvAndGateUp,
     .gguf = {.architecture = "phi3", .configure = gguf_phi3}},
};

}  // namespace

std::span<const Family> phi_families() { return kRows; }

}  // namespace collie
