#include "core/model/describe.h"

#include <algorithm>

#include "core/model/families/family.h"

namespace collie {

std::vector<std::string> describe_traits(const ModelConfig& c) {
  const ModelTraits& t = c.traits;
  std::vector<std::string> all;
  const auto add = [&](bool holds, const char* words) {
    if (holds) all.emplace_back(words);
  };
  add(t.qkv_bias && t.o_bias, "biases of attention");
  add(t.qkv_bias && !t.o_bias, "QKV biases");
  add(t.mlp_bias, "biases of the MLP");
  add(t.qk_norm == QkNorm::per_head, "q/k norm per head");
  add(t.qk_norm == QkNorm::whole, "q/k norm over all heads");
  add(t.attention_norm.empty(), "norms after the blocks only");
  add(!t.attention_norm.empty() && !t.attention_out_norm.empty(), "norms before and after the blocks");
  add(t.norm_offset != 0, "norms with 1 + w");
  add(t.activation != Activation::silu, "GELU");
  add(t.rotary_share != 1, "partial rotary");
  add(t.pairs == RotaryPairs::adjacent, "rotary of neighbours");
  const auto any = [&](auto holds) { return std::ranges::any_of(c.kinds, holds); };
  add(any([](const LayerKind& k) { return k.window != 0; }), "sliding windows");
  add(any([](const LayerKind& k) { return k.rope == LayerKind::kNoRotary; }), "layers without rotary");
  add(c.ropes.size() > 1, "two rotary tables");
  add(t.attention_softcap != 0 || t.logit_softcap != 0, "soft caps");
  add(t.embedding_scale != 1, "scaled embeddings");
  add(t.residual_scale != 1 || t.logit_scale != 1, "scaled residuals and logits");
  const Fused fused = family_of(c).fused;
  add(fused == Fused::qkv_and_gate_up, "fused qkv and gate_up in files");
  add(fused == Fused::gate_up, "fused gate_up in files");
  return all;
}

}  // namespace collie
