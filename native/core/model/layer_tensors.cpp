#include "core/model/layer_tensors.h"

namespace collie {

LayerSizes whole_layer(const ModelConfig& c) { return {c.n_heads, c.n_kv_heads, c.intermediate_size}; }

std::vector<LayerLinear> layer_linears(const ModelConfig& c, const LayerSizes& sizes) {
  const int64_t d = c.hidden_size, q = sizes.heads * c.head_dim, kv = sizes.kv_heads * c.head_dim, f = sizes.intermediate;
  const ModelTraits& t = c.traits;
  return {{"self_attn.q_proj", q, d, t.qkv_bias}, {"self_attn.k_proj", kv, d, t.qkv_bias}, {"self_attn.v_proj", kv, d, t.qkv_bias},
          {"self_attn.o_proj", d, q, t.o_bias},   {"mlp.gate_proj", f, d, t.mlp_bias},     {"mlp.up_proj", f, d, t.mlp_bias},
          {"mlp.down_proj", d, f, t.mlp_bias}};
}

std::vector<LayerNorm> layer_norms(const ModelConfig& c, const LayerSizes& sizes) {
  const ModelTraits& t = c.traits;
  std::vector<LayerNorm> norms;
  const auto add = [&](const std::string& module, int64_t size) {
    if (!module.empty()) norms.push_back({module, size});
  };
  add(t.attention_norm, c.hidden_size);
  if (t.qk_norm != QkNorm::none) {
    const bool whole = t.qk_norm == QkNorm::whole;
    add(kQNorm, whole ? sizes.heads * c.head_dim : c.head_dim);
    add(kKNorm, whole ? sizes.kv_heads * c.head_dim : c.head_dim);
  }
  add(t.attention_out_norm, c.hidden_size);
  add(t.mlp_norm, c.hidden_size);
  add(t.mlp_out_norm, c.hidden_size);
  return norms;
}

int64_t layer_parameters(const ModelConfig& c) {
  int64_t sum = 0;
  for (const LayerLinear& l : layer_linears(c, whole_layer(c))) sum += l.out * l.in + (l.bias ? l.out : 0);
  for (const LayerNorm& n : layer_norms(c, whole_layer(c))) sum += n.size;
  return sum;
}

}  // namespace collie
