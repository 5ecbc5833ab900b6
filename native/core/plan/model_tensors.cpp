#include "core/plan/model_tensors.h"

#include "core/plan/model_layout.h"

namespace collie {

std::vector<ProjectionShape> projection_shapes(const ModelConfig& c, const ModelShard& shard) {
  const HeadShare heads = heads_of(c, shard.tp_size, shard.tp_rank);
  const int64_t d = c.hidden_size, q = heads.heads.size * c.head_dim, kv = heads.kv_heads.size * c.head_dim;
  const int64_t f = intermediate_share(c, shard).size;
  return {{"self_attn.q_proj", q, d}, {"self_attn.k_proj", kv, d}, {"self_attn.v_proj", kv, d}, {"self_attn.o_proj", d, q},
          {"mlp.gate_proj", f, d},    {"mlp.up_proj", f, d},       {"mlp.down_proj", d, f}};
}

std::vector<NamedShape> model_tensors(const ModelConfig& c) { return model_tensors(c, whole_model(c)); }

std::vector<NamedShape> model_tensors(const ModelConfig& c, const ModelShard& shard) {
  const std::vector<int64_t> table = {share_of(c.vocab_size, shard.tp_size, shard.tp_rank).size, c.hidden_size};
  std::vector<NamedShape> layer = {{"input_layernorm.weight", {c.hidden_size}}};
  for (const ProjectionShape& p : projection_shapes(c, shard)) {
    if (p.module == "mlp.gate_proj") layer.push_back({"post_attention_layernorm.weight", {c.hidden_size}});
    layer.push_back({p.module + ".weight", {p.out, p.in}});
  }
  std::vector<NamedShape> tensors;
  if (shard.embedding || (shard.head && c.tied_embeddings)) tensors.push_back({"model.embed_tokens.weight", table});
  for (int64_t i = 0; i < shard.n_layers(); ++i)
    for (const NamedShape& tensor : layer)
      tensors.push_back({"model.layers." + std::to_string(shard.layer(i)) + "." + tensor.name, tensor.shape});
  if (!shard.head) return tensors;
  tensors.push_back({"model.norm.weight", {c.hidden_size}});
  if (!c.tied_embeddings) tensors.push_back({"lm_head.weight", table});
  return tensors;
}

std::vector<TrainableTensor> trainable_tensors(const ModelConfig& config, const MethodSpec& method, const ModelShard& shard) {
  std::vector<TrainableTensor> trained;
  for (const NamedShape& tensor : model_tensors(config, shard)) {
    if (trains_weight(method, config, tensor.name) == Trained::no) continue;
    const bool table = tensor.name == "model.embed_tokens.weight" || tensor.name == "lm_head.weight";
    const ParameterKind weight = table ? ParameterKind::table : ParameterKind::matrix;
    trained.push_back({tensor.shape, tensor.shape.size() == 1 ? ParameterKind::vector : weight});
  }
  if (!has_adapter(method)) return trained;
  for (const AdapterTensor& tensor : adapter_tensors(method, config, shard, projection_shapes(config, shard)))
    if (tensor.trained == Trained::yes) trained.push_back({tensor.shape, tensor.kind()});
  return trained;
}

}  // namespace collie
