#include "core/plan/model_tensors.h"

#include "core/model/layer_tensors.h"
#include "core/plan/model_layout.h"

namespace collie {

namespace {

LayerSizes sizes_of(const ModelConfig& c, const ModelShard& shard) {
  const HeadShare heads = heads_of(c, shard.tp_size, shard.tp_rank);
  return {heads.heads.size, heads.kv_heads.size, intermediate_share(c, shard).size};
}

// Norms where a layer computes them, each linear's bias after its weight.
std::vector<NamedShape> layer_tensors(const ModelConfig& c, const LayerSizes& sizes) {
  const ModelTraits& t = c.traits;
  const std::vector<LayerNorm> norms = layer_norms(c, sizes);
  std::vector<NamedShape> all;
  const auto norm = [&](const std::string& module) {
    for (const LayerNorm& n : norms)
      if (n.module == module) {
        all.push_back({n.module + ".weight", {n.size}});
        if (n.bias) all.push_back({n.module + ".bias", {n.size}});
      }
  };
  norm(t.attention_norm);
  for (const LayerLinear& l : layer_linears(c, sizes)) {
    if (l.module == "self_attn.o_proj") {
      norm(kQNorm);
      norm(kKNorm);
    }
    if (l.module == (t.gated ? "mlp.gate_proj" : "mlp.up_proj")) {
      norm(t.attention_out_norm);
      norm(t.mlp_norm);
    }
    all.push_back({l.module + ".weight", {l.out, l.in}});
    if (l.bias) all.push_back({l.module + ".bias", {l.out}});
  }
  norm(t.mlp_out_norm);
  return all;
}

}  // namespace

std::vector<ProjectionShape> projection_shapes(const ModelConfig& c, const ModelShard& shard) {
  std::vector<ProjectionShape> all;
  for (const LayerLinear& l : layer_linears(c, sizes_of(c, shard))) all.push_back({l.module, l.out, l.in});
  return all;
}

std::vector<NamedShape> model_tensors(const ModelConfig& c) { return model_tensors(c, whole_model(c)); }

std::vector<NamedShape> model_tensors(const ModelConfig& c, const ModelShard& shard) {
  const std::vector<int64_t> table = {share_of(c.vocab_size, shard.tp_size, shard.tp_rank).size, c.hidden_size};
  const std::vector<NamedShape> layer = layer_tensors(c, sizes_of(c, shard));
  std::vector<NamedShape> tensors;
  if (shard.embedding || (shard.head && c.tied_embeddings)) tensors.push_back({"model.embed_tokens.weight", table});
  if (shard.embedding && c.traits.learned_positions)
    tensors.push_back({kPositionTable, {c.max_position, c.hidden_size}});
  for (int64_t i = 0; i < shard.n_layers(); ++i)
    for (const NamedShape& tensor : layer)
      tensors.push_back({"model.layers." + std::to_string(shard.layer(i)) + "." + tensor.name, tensor.shape});
  if (!shard.head) return tensors;
  tensors.push_back({"model.norm.weight", {c.hidden_size}});
  if (c.traits.norm_bias) tensors.push_back({"model.norm.bias", {c.hidden_size}});
  if (!c.tied_embeddings) tensors.push_back({"lm_head.weight", table});
  if (c.traits.head_bias) tensors.push_back({"lm_head.bias", {table[0]}});
  return tensors;
}

std::vector<TrainableTensor> trainable_tensors(const ModelConfig& config, const MethodSpec& method,
                                               const ModelShard& shard) {
  std::vector<TrainableTensor> trained;
  for (const NamedShape& tensor : model_tensors(config, shard)) {
    if (trains_weight(method, config, tensor.name) == Trained::no) continue;
    const bool table =
        tensor.name == "model.embed_tokens.weight" || tensor.name == "lm_head.weight" || tensor.name == kPositionTable;
    const ParameterKind weight = table ? ParameterKind::table : ParameterKind::matrix;
    trained.push_back({tensor.shape, tensor.shape.size() == 1 ? ParameterKind::vector : weight});
  }
  if (!has_adapter(method)) return trained;
  for (const AdapterTensor& tensor : adapter_tensors(method, config, shard, projection_shapes(config, shard)))
    if (tensor.trained == Trained::yes) trained.push_back({tensor.shape, tensor.kind()});
  return trained;
}

}  // namespace collie
