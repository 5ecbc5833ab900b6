#include "core/model_tensors.h"

namespace collie {

std::vector<NamedShape> model_tensors(const ModelConfig& c) {
  const int64_t q = c.n_heads * c.head_dim, kv = c.n_kv_heads * c.head_dim;
  const std::vector<NamedShape> layer = {
      {"input_layernorm.weight", {c.hidden_size}},
      {"self_attn.q_proj.weight", {q, c.hidden_size}},
      {"self_attn.k_proj.weight", {kv, c.hidden_size}},
      {"self_attn.v_proj.weight", {kv, c.hidden_size}},
      {"self_attn.o_proj.weight", {c.hidden_size, q}},
      {"post_attention_layernorm.weight", {c.hidden_size}},
      {"mlp.gate_proj.weight", {c.intermediate_size, c.hidden_size}},
      {"mlp.up_proj.weight", {c.intermediate_size, c.hidden_size}},
      {"mlp.down_proj.weight", {c.hidden_size, c.intermediate_size}},
  };
  std::vector<NamedShape> tensors = {{"model.embed_tokens.weight", {c.vocab_size, c.hidden_size}}};
  for (int64_t i = 0; i < c.n_layers; ++i)
    for (const NamedShape& tensor : layer)
      tensors.push_back({"model.layers." + std::to_string(i) + "." + tensor.name, tensor.shape});
  tensors.push_back({"model.norm.weight", {c.hidden_size}});
  if (!c.tied_embeddings) tensors.push_back({"lm_head.weight", {c.vocab_size, c.hidden_size}});
  return tensors;
}

std::vector<TrainableTensor> trainable_tensors(const ModelConfig& config, const LayerLayout& layout, TrainMode mode) {
  std::vector<TrainableTensor> trained;
  if (mode == TrainMode::full)
    for (const NamedShape& tensor : model_tensors(config)) {
      const bool table = tensor.name == "model.embed_tokens.weight" || tensor.name == "lm_head.weight";
      const ParameterKind weight = table ? ParameterKind::table : ParameterKind::matrix;
      trained.push_back({tensor.shape, tensor.shape.size() == 1 ? ParameterKind::vector : weight});
    }
  if (mode == TrainMode::lora)
    for (int64_t layer = 0; layer < config.n_layers; ++layer)
      for (const LinearLayout* linear : layout.all())
        for (const Projection& part : linear->parts) {
          if (part.rank == 0) continue;
          trained.push_back({{part.rank, linear->in}, ParameterKind::matrix});
          trained.push_back({{part.out, part.rank}, ParameterKind::matrix});
        }
  return trained;
}

}  // namespace collie
