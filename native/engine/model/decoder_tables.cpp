// What a decoder has before and after its layers: embeddings, learned positions, final norm and head.
#include "core/base/error.h"
#include "core/model/layer_tensors.h"
#include "engine/model/decoder_impl.h"

namespace collie {
namespace {

WeightOptions weight_options(const DecoderOptions& o, const SharedBase& base, const ParameterOwners& owners,
                             const std::string& name, Trained trained, const Placement& placement) {
  return {name, trained, o.masters, storage_of(o), {}, placement, base.weight(name), owners.of(name)};
}

}  // namespace

// Embedding, final norm and head, where the rank has them.
void Decoder::Impl::make_tables() {
  const ModelConfig& c = config;
  const DecoderOptions& o = options;
  const std::vector<int64_t> shape = {layout.vocabulary.size, c.hidden_size};
  const Placement rows{layout.vocabulary_slice()};
  if (layout.tables)
    embedding.emplace(weight_options(o, base, owners, "model.embed_tokens.weight", layout.embedding, rows), shape,
                      Decay::yes, ParameterKind::table);
  if (c.traits.learned_positions && o.max_document > c.max_position)
    throw Error("spec.invalid",
                "Documents of " + std::to_string(o.max_document) + " tokens are longer than the " +
                    std::to_string(c.max_position) + " positions that the model has vectors for.",
                "Use " + std::to_string(c.max_position) + " or less.", {{"max_position_embeddings", c.max_position}});
  if (layout.shard.embedding && c.traits.learned_positions)
    position_table.emplace(weight_options(o, base, owners, kPositionTable, layout.positions, replicated(tp())),
                           std::vector<int64_t>{c.max_position, c.hidden_size}, Decay::yes, ParameterKind::table);
  if (!layout.shard.head) return;
  const Placement between = between_linears(tp(), layout.shard);
  const auto bias = [&](const char* name, Trained trained, const Placement& placement) {
    WeightOptions options = weight_options(o, base, owners, name, trained, placement);
    options.storage = options.storage.dtype(at::kFloat);  // as biases of linears
    return options;
  };
  const WeightOptions norm_bias = bias("model.norm.bias", layout.final_norm, between);
  head.emplace(weight_options(o, base, owners, "model.norm.weight", layout.final_norm, between),
               c.traits.norm_bias ? &norm_bias : nullptr, c, layout);
  if (!c.tied_embeddings)
    lm_head.emplace(weight_options(o, base, owners, "lm_head.weight", layout.head, rows), shape, Decay::yes,
                    ParameterKind::table);
  if (c.traits.head_bias)
    lm_head_bias.emplace(bias("lm_head.bias", layout.head_bias, rows), std::vector<int64_t>{layout.vocabulary.size},
                         Decay::no, ParameterKind::vector);
}

std::vector<BaseWeight*> Decoder::Impl::after_layers() {
  std::vector<BaseWeight*> all;
  if (head) head->norm().append_weights(all);
  if (lm_head) all.push_back(&*lm_head);
  if (lm_head_bias) all.push_back(&*lm_head_bias);
  return all;
}

// Vectors, or their gradients.
void Decoder::Impl::scale_embeddings(const at::Tensor& x) const {
  const ModelTraits& t = config.traits;
  if (t.embedding_scale == 1) return;
  const bool rounded = t.embedding_scale_rounded && x.scalar_type() == at::kBFloat16;
  kernels->copy(
      x, x, rounded ? static_cast<double>(c10::BFloat16(static_cast<float>(t.embedding_scale))) : t.embedding_scale);
}

void Decoder::Impl::embed(const StepContext& ctx, const at::Tensor& x) const {
  const at::Tensor all = ctx.rows.shared() ? ctx.rows.padded(workspace.shared().y) : x;
  look_up(ctx, all);
  add_positions(ctx, ctx.rows.tokens(all));
  if (ctx.rows.shared()) kernels->copy(ctx.rows.own(all), x);
}

// Documents' positions; a buffer of the head's is free before the layers.
void Decoder::Impl::add_positions(const StepContext& ctx, const at::Tensor& x) const {
  if (!position_table) return;
  const at::Tensor vectors = workspace.shared().gathered.narrow(0, 0, ctx.n);
  kernels->embedding(ctx.positions, position_table->computes(), vectors);
  kernels->add(vectors, x);
}

void Decoder::Impl::look_up(const StepContext& ctx, const at::Tensor& all) const {
  const SharedBuffers& s = workspace.shared();
  kernels->embedding(s.integers[kIds].narrow(0, 0, ctx.n), embedding->computes(), ctx.rows.tokens(all));
  if (shared_vocabulary()) ctx.rows.sum(all);
  const bool scales_prompts = config.traits.scales_prompts;
  if (!scales_prompts) scale_embeddings(ctx.rows.tokens(all));
  if (ctx.prompt) ctx.prompt->embed(ctx, ctx.rows.tokens(all));
  if (scales_prompts) scale_embeddings(ctx.rows.tokens(all));
}

}  // namespace collie
