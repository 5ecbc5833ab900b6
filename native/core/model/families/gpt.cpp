// GPT-2: LayerNorm and learned positions. GPT-J, CodeGen and MOSS: a part of every head rotates, attention and MLP side by side.
#include <algorithm>
#include <utility>

#include "core/model/families/family.h"

namespace collie {
namespace {

using namespace config_keys;
using nlohmann::json;

constexpr std::pair<const char*, const char*> kKeys[] = {{"n_embd", "hidden_size"},
                                                         {"n_layer", "num_hidden_layers"},
                                                         {"n_head", "num_attention_heads"},
                                                         {"n_positions", "max_position_embeddings"},
                                                         {"n_inner", "intermediate_size"}};

// An inner size that is left out is four times the hidden one.
json gpt_keys(const json& given) {
  json config = family::with_usual_keys(given, kKeys);
  if (!present(config, "intermediate_size"))
    config["intermediate_size"] = 4 * integer(config, "hidden_size", 1, kMaxWidth / 4);
  config.erase("num_key_value_heads");
  return config;
}

void read_gpt2(const json& config, const FamilyDefaults&, ModelConfig& result) {
  family::require_flag(config, "scale_attn_weights", true);
  family::require_flag(config, "scale_attn_by_inverse_layer_idx", false);
  family::require_flag(config, "add_cross_attention", false);
  ModelTraits& t = result.traits;
  family::take_layer_norm(t);
  t.activation = family::read_activation(config, "activation_function", "gelu_new");
  t.qkv_bias = t.o_bias = t.mlp_bias = true;
  t.gated = false;
  t.learned_positions = true;
  result.ropes = {RopeConfig{}};
  result.kinds.assign(static_cast<size_t>(result.n_layers), {.rope = LayerKind::kNoRotary});
}

void read_gptj(const json& config, const FamilyDefaults& defaults, ModelConfig& result) {
  ModelTraits& t = result.traits;
  family::take_layer_norm(t);
  t.activation = family::read_activation(config, "activation_function", "gelu_new");
  t.mlp_bias = t.head_bias = true;
  t.gated = false;
  t.parallel = true;
  t.mlp_norm = "";
  t.pairs = RotaryPairs::adjacent;
  const int64_t turning = integer(config, "rotary_dim", 2, result.head_dim, std::min<int64_t>(64, result.head_dim));
  // A share that becomes `turning` again when it is cut to a whole number.
  if (turning < result.head_dim)
    t.rotary_share = (static_cast<double>(turning) + 0.5) / static_cast<double>(result.head_dim);
  result.ropes = {RopeConfig{.theta = defaults.theta}};
}

void read_codegen(const json& config, const FamilyDefaults& defaults, ModelConfig& result) {
  if (result.n_heads % 4 != 0)
    fail_config("n_head", "must be a multiple of 4, not " + std::to_string(result.n_heads), result.n_heads);
  read_gptj(config, defaults, result);
}

// As CodeGen; releases in 4 and 8 bits say so.
void read_moss(const json& config, const FamilyDefaults& defaults, ModelConfig& result) {
  constexpr int64_t kNotQuantized = 32;
  if (const int64_t bits = integer(config, "wbits", 1, kNotQuantized, kNotQuantized); bits != kNotQuantized)
    fail_feature("wbits", bits, "32: weights that are not quantized, as in the releases without -int4 or -int8");
  read_codegen(config, defaults, result);
}

void gguf_gpt2(const GgufFile&, nlohmann::ordered_json& config) { family::take_own_keys(config, kKeys); }

constexpr ModuleName kGpt2Modules[] = {{"input_layernorm", "ln_1"},
                                       {"post_attention_layernorm", "ln_2"},
                                       {"self_attn.o_proj", "attn.c_proj"},
                                       {"mlp.up_proj", "mlp.c_fc"},
                                       {"mlp.down_proj", "mlp.c_proj"}};
constexpr FusedTensor kGpt2Fused[] = {{"attn.c_attn", kQkvParts}};
// Folders that were written from the model without its head, as the published ones, leave out "transformer.".
constexpr FileNames kGpt2Names = {.embedding = "transformer.wte",
                                  .norm = "transformer.ln_f",
                                  .positions = "transformer.wpe",
                                  .layers = "transformer.h.",
                                  .in_layers = kGpt2Modules,
                                  .transposed = true,
                                  .may_lack = "transformer."};

constexpr ModuleName kGptjModules[] = {{"input_layernorm", "ln_1"},           {"self_attn.q_proj", "attn.q_proj"},
                                       {"self_attn.k_proj", "attn.k_proj"},   {"self_attn.v_proj", "attn.v_proj"},
                                       {"self_attn.o_proj", "attn.out_proj"}, {"mlp.up_proj", "mlp.fc_in"},
                                       {"mlp.down_proj", "mlp.fc_out"}};
// CodeGen was trained on four cores: rows of each of them one after another, and values before keys.
constexpr FusedTensor kCodegenFused[] = {
    {"attn.qkv_proj", {"self_attn.q_proj", "self_attn.v_proj", "self_attn.k_proj"}, Cut::in_fours}};
constexpr FileNames kGptNames = {
    .embedding = "transformer.wte", .norm = "transformer.ln_f", .layers = "transformer.h.", .in_layers = kGptjModules};

constexpr Family kRows[] = {
    {.architecture = "GPT2LMHeadModel",
     .family = "gpt2",
     .title = "GPT-2",
     .defaults = {.eps = 1e-5, .eps_key = "layer_norm_epsilon", .tied = true},
     .read = read_gpt2,
     .fused = kGpt2Fused,
     .names = kGpt2Names,
     .gguf = {.architecture = "gpt2", .configure = gguf_gpt2},
     .usual = gpt_keys},
    {.architecture = "GPTJForCausalLM",
     .family = "gptj",
     .title = "GPT-J",
     .defaults = {.eps = 1e-5, .eps_key = "layer_norm_epsilon"},
     .read = read_gptj,
     .names = kGptNames,
     .usual = gpt_keys},
    {.architecture = "CodeGenForCausalLM",
     .family = "codegen",
     .title = "CodeGen",
     .defaults = {.eps = 1e-5, .eps_key = "layer_norm_epsilon"},
     .read = read_codegen,
     .fused = kCodegenFused,
     .names = kGptNames,
     .usual = gpt_keys},
    {.architecture = "MossForCausalLM",
     .family = "moss",
     .title = "MOSS",
     .defaults = {.eps = 1e-5, .eps_key = "layer_norm_epsilon"},
     .read = read_moss,
     .fused = kCodegenFused,
     .names = kGptNames,
     .usual = gpt_keys},
};

}  // namespace

std::span<const Family> gpt_families() { return kRows; }

}  // namespace collie
