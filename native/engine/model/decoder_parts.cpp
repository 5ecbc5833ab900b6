// Construction, parameter names and memory of a decoder.
#include <algorithm>

#include "engine/model/decoder_impl.h"

namespace collie {
namespace {

LayerLayout layout_of(const ModelConfig& config, const DecoderOptions& options) {
  return options.lora ? layer_layout(config, options.lora->rank, options.lora->target_modules) : layer_layout(config, 0, {});
}

at::TensorOptions storage_of(const DecoderOptions& options) {
  return at::TensorOptions()
      .dtype(options.precision == Precision::bf16 ? at::kBFloat16 : at::kFloat)
      .device(options.device);
}

WorkspaceOptions workspace_options(const DecoderOptions& o) {
  const bool trains_adapter = o.mode == TrainMode::lora && o.lora;
  return {o.mode,         o.checkpointing, trains_adapter ? o.lora->dropout : 0, o.capacity_tokens,
          o.max_document, o.precision,     o.device};
}

LinearOptions linear_options(const DecoderOptions& o, int64_t layer) {
  return {.storage = o.precision == Precision::bf16 ? at::kBFloat16 : at::kFloat,
          .device = o.device,
          .mode = o.mode,
          .lora_scale = o.lora ? o.lora->alpha / static_cast<double>(o.lora->rank) : 0,
          .seed = o.seed,
          .prefix = "model.layers." + std::to_string(layer) + ".",
          .layer = layer,
          .index = 0};
}

void append(std::vector<Parameter>& to, std::vector<Parameter> from) {
  to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
}

}  // namespace

Decoder::Impl::Impl(const ModelConfig& c, const DecoderOptions& o)
    : config(c),
      options(o),
      layout(layout_of(c, o)),
      kernels(make_kernels(o.device)),
      workspace(c, layout, workspace_options(o)),
      embedding("model.embed_tokens.weight", c.vocab_size, c.hidden_size, o.mode, storage_of(o)),
      head(c, o.mode, storage_of(o)) {
  if (!c.tied_embeddings) lm_head.emplace("lm_head.weight", c.vocab_size, c.hidden_size, o.mode, storage_of(o));
  layers.reserve(static_cast<size_t>(c.n_layers));
  for (int64_t i = 0; i < c.n_layers; ++i) layers.emplace_back(c, layout, linear_options(o, i), i);
  target_rows.reserve(static_cast<size_t>(o.capacity_tokens));
  target_ids.reserve(static_cast<size_t>(o.capacity_tokens));
  collect_parameters();
}

std::vector<WeightSlot> Decoder::Impl::slots() {
  std::vector<WeightSlot> all = {{embedding.name(), embedding.base_weight()}};
  for (size_t i = 0; i < layers.size(); ++i) {
    const std::string prefix = "model.layers." + std::to_string(i) + ".";
    for (Norm* norm : layers[i].norms()) all.push_back({norm->name(), norm->base_weight()});
    for (Linear* linear : layers[i].linears())
      for (const Projection& part : linear->layout().parts)
        all.push_back({prefix + part.module + ".weight", linear->base_weight(part)});
  }
  all.push_back({head.norm().name(), head.norm().base_weight()});
  if (lm_head) all.push_back({lm_head->name(), lm_head->base_weight()});
  return all;
}

void Decoder::Impl::collect_parameters() {
  std::vector<Parameter> all = embedding.parameters();
  for (Layer& layer : layers) {
    for (Norm* norm : layer.norms()) append(all, norm->parameters());
    for (Linear* linear : layer.linears()) append(all, linear->parameters());
  }
  append(all, head.norm().parameters());
  if (lm_head) append(all, lm_head->parameters());
  if (options.mode != TrainMode::none) trainable = all;
  if (options.lora) adapter = all;
}

Decoder::MemoryUse Decoder::memory_use() const {
  Impl& m = *impl_;
  MemoryUse use{.weights_bytes = m.embedding.weight_bytes() + m.head.norm().weight_bytes(),
                .gradients_bytes = m.embedding.gradient_bytes() + m.head.norm().gradient_bytes(),
                .activations_bytes = m.workspace.bytes(),
                .scratch_bytes = m.kernels->scratch_bytes()};
  if (m.lm_head) {
    use.weights_bytes += m.lm_head->weight_bytes();
    use.gradients_bytes += m.lm_head->gradient_bytes();
  }
  for (Layer& layer : m.layers) {
    for (Norm* norm : layer.norms()) {
      use.weights_bytes += norm->weight_bytes();
      use.gradients_bytes += norm->gradient_bytes();
    }
    for (Linear* linear : layer.linears()) {
      use.weights_bytes += linear->weight_bytes();
      use.gradients_bytes += linear->gradient_bytes();
    }
  }
  return use;
}

}  // namespace collie
