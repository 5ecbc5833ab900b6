#include "core/model/layer_tensors.h"

namespace collie {

LayerSizes whole_layer(const ModelConfig& c) { return {c.n_heads, c.n_kv_heads, c.intermediate_size}; }

std::vector<LayerLinear> layer_linears(const ModelConfig& c, const LayerSizes& sizes) {
  const int64_t d = c.hidden_size, q = sizes.heads * c.head_dim, kv = sizes.kv_heads * c.head_dim,
                f = sizes.intermediate;
  const ModelTraits& t = c.traits;
  std::vector<LayerLinear> all = {{"self_attn.q_proj", q, d, t.qkv_bias},
                                  {"self_attn.k_proj", kv, d, t.qkv_bias},
                                  {"self_attn.v_proj", kv, d, t.qkv_bias},
                                  {"self_attn.o_proj", d, q, t.o_bias}};
  if (t.gated) all.push_back({"mlp.gate_proj", f, d, t.mlp_bias});
  all.push_back({"mlp.up_proj", f, d, t.mlp_bias});
  all.push_back({"mlp.down_proj", d, f, t.mlp_bias});
  return all;
}

std::vector<LayerNorm> layer_norms(const ModelConfig& c, const LayerSizes& sizes) {
  const ModelTraits& t = c.traits;
  std::vector<LayerNorm> norms;
  const auto add = [&](const std::string& module, int64_t size, bool bias) {
    if (!module.empty()) norms.push_back({module, size, bias});
  };
  add(t.attention_norm, c.hidden_size, t.norm_bias);
  if (t.qk_norm != QkNorm::none) {
    const bool whole = t.qk_norm == QkNorm::whole;
    add(kQNorm, whole ? sizes.heads * c.head_dim : c.head_dim, false);
    add(kKNorm, whole ? sizes.kv_heads * c.head_dim : c.head_dim, false);
  }
  add(t.attention_out_norm, c.hidden_size, t.norm_bias);
  add(t.mlp_norm, c.hidden_size, t.norm_bias);
  add(t.mlp_out_norm, c.hidden_size, t.norm_bias);
  return norms;
}

int64_t layer_parameters(const ModelConfig& c) {
  int64_t sum = 0;
  for (const LayerLinear& l : layer_linears(c, whole_layer(c))) sum += l.out * l.in + (l.bias ? l.out : 0);
  for (const LayerNorm& n : layer_norms(c, whole_layer(c))) sum += n.bias ? 2 * n.size : n.size;
  return sum;
}

}  // namespace collie
