#include "core/model/describe.h"

#include <algorithm>

#include "core/model/families/family.h"
#include "core/model/layer_tensors.h"
#include "core/model/model_names.h"

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
  add(t.norm == NormKind::layer, t.norm_bias ? "LayerNorm" : "LayerNorm without bias");
  add(t.parallel,
      t.mlp_norm.empty() ? "attention and MLP side by side after one norm" : "attention and MLP side by side");
  add(!t.gated, "MLP without a gate");
  add(t.activation == Activation::gelu_tanh || t.activation == Activation::gelu_erf, "GELU");
  add(t.activation == Activation::relu, "ReLU");
  add(t.learned_positions, "learned positions");
  add(t.rotary_share != 1, "partial rotary");
  add(t.pairs == RotaryPairs::adjacent, "rotary of neighbours");
  const auto any = [&](auto holds) { return std::ranges::any_of(c.kinds, holds); };
  add(any([](const LayerKind& k) { return k.window != 0; }), "sliding windows");
  add(any([](const LayerKind& k) { return k.rope == LayerKind::kNoRotary; }) && !t.learned_positions,
      "layers without rotary");
  add(c.ropes.size() > 1, "two rotary tables");
  add(t.attention_softcap != 0 || t.logit_softcap != 0, "soft caps");
  add(t.embedding_scale != 1, "scaled embeddings");
  add(t.head_bias, "bias of the head");
  add(t.residual_scale != 1 || t.logit_scale != 1, "scaled residuals and logits");
  std::string fused;
  for (const FusedTensor& one : family_of(c).fused) {
    const std::string_view file = one.file;
    fused += (fused.empty() ? "" : " and ") + std::string(file.substr(file.rfind('.') + 1));
  }
  if (!fused.empty()) all.push_back("fused " + fused + " in files");
  return all;
}

std::vector<std::string> describe_limits(const ModelConfig& c) {
  std::vector<std::string> all;
  if (c.traits.qk_norm == QkNorm::whole)
    all.emplace_back("Tensor parallelism does not cut its norms over all heads: data and pipeline parallelism only.");
  if (c.traits.learned_positions)
    all.push_back("It has a vector for each of " + std::to_string(c.max_position) + " positions: documents end there.");
  if (!c.traits.gated) all.emplace_back("Its MLP has no gate: gate_proj among target modules means nothing here.");
  if (!family_of(c).fused.empty())
    all.emplace_back(
        "Its files keep several projections in one tensor: of those, only LoRA and PiSSA are exported as adapters, "
        "other methods merged.");
  if (std::ranges::any_of(c.ropes, [](const RopeConfig& rope) { return rope.scaling == RopeScaling::dynamic; }))
    all.push_back("Its rotary table would change beyond " + std::to_string(c.max_position) +
                  " tokens (dynamic scaling): documents end there.");
  return all;
}

std::map<std::string, std::string> renamed_linears(const ModelConfig& c) {
  std::map<std::string, std::string> names;
  for (const LayerLinear& linear : layer_linears(c, whole_layer(c))) {
    const std::string layers = "model.layers.", ours = layers + "0." + linear.module;
    std::string file = file_module(c, ours);
    if (file == ours) continue;
    const size_t zero = file.find(".0.");
    if (zero != std::string::npos) names[linear.module] = file.replace(zero + 1, 1, "*");
  }
  return names;
}

}  // namespace collie
