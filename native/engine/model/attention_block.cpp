#include "engine/model/attention_block.h"

#include "engine/peft/prompt_adapter.h"

namespace collie {

AttentionBlock::AttentionBlock(const LayerOptions& o, AttentionBlock* first)
    : layer_(o.layer()),
      shape_{o.model.heads.heads.size,        o.model.heads.kv_heads.size, o.config.head_dim,
             o.config.kind(o.layer()).window, o.config.attention_scale(),  o.config.traits.attention_softcap},
      rope_(o.config.kind(o.layer()).rope),
      pairs_(o.config.traits.pairs),
      norm_(o.norm(o.layout().attention_norm, first ? &first->norm_ : nullptr)),
      q_norm_(o.norm(o.layout().q_norm, first ? &first->q_norm_ : nullptr)),
      k_norm_(o.norm(o.layout().k_norm, first ? &first->k_norm_ : nullptr)),
      qkv_(o.linear(o.layout().qkv, 0, first ? &first->qkv_ : nullptr)),
      o_(o.linear(o.layout().o, 1, first ? &first->o_ : nullptr)),
      output_(o.norm(o.layout().attention_out_norm, first ? &first->output_.norm() : nullptr), o.config),
      serial_(o.serial("attention_adapter")),
      trains_serial_(serial_ && o.model.purpose == Purpose::train) {}

std::vector<BaseWeight*> AttentionBlock::weights() {
  std::vector<BaseWeight*> all;
  if (norm_) norm_->append_weights(all);
  if (q_norm_) all.push_back(&q_norm_->weight());
  if (k_norm_) all.push_back(&k_norm_->weight());
  if (output_.norm()) output_.norm()->append_weights(all);
  return all;
}

void AttentionBlock::output(const StepContext& ctx, const LayerBuffers& b, const at::Tensor& y) const {
  o_.forward(ctx, b.attended, y);
  if (serial_ && ctx.adapter == AdapterUse::on) serial_->forward(ctx, ctx.rows.own(y), b.serial1);
  output_.forward(ctx, y, b.attention_out, {b.rstd_out1, b.mean_out1});
}

void AttentionBlock::rotate(const StepContext& ctx, const SharedBuffers& shared, const at::Tensor& qkv,
                            Direction direction) const {
  if (rope_ == LayerKind::kNoRotary) return;
  const RotaryTable& table = shared.ropes[static_cast<size_t>(rope_)];
  // Queries and keys lie side by side: one pass over both.
  ctx.kernels.rotary({.x = qkv,
                      .positions = ctx.positions,
                      .cos = table.cos,
                      .sin = table.sin,
                      .heads = shape_.heads + shape_.kv_heads,
                      .head_dim = shape_.head_dim,
                      .pairs = pairs_},
                     direction);
}

void AttentionBlock::norm_heads(const StepContext& ctx, const LayerBuffers& b) const {
  if (!q_norm_) return;
  ctx.kernels.copy(b.qkv.narrow(1, 0, b.raw_qk.size(1)), b.raw_qk);
  const int64_t q_groups = queries(b.raw_qk).size(1) / q_norm_->size();
  q_norm_->forward(ctx, queries(b.raw_qk), queries(b.qkv), b.rstd_qk.narrow(1, 0, q_groups));
  k_norm_->forward(ctx, keys(b.raw_qk), keys(b.qkv), b.rstd_qk.narrow(1, q_groups, b.rstd_qk.size(1) - q_groups));
}

void AttentionBlock::norm_heads_backward(const StepContext& ctx, const LayerBuffers& b, const at::Tensor& dqkv) const {
  if (!q_norm_) return;
  const int64_t q_groups = queries(b.raw_qk).size(1) / q_norm_->size();
  q_norm_->backward(ctx, queries(b.raw_qk), b.rstd_qk.narrow(1, 0, q_groups), queries(dqkv));
  k_norm_->backward(ctx, keys(b.raw_qk), b.rstd_qk.narrow(1, q_groups, b.rstd_qk.size(1) - q_groups), keys(dqkv));
}

void AttentionBlock::project(const StepContext& ctx, const SharedBuffers& shared, const Pending& pending,
                             const LayerBuffers& b) const {
  take_input(ctx, norm_, pending, b.x, b.h1, {b.rstd1, b.mean1});
  qkv_.forward(ctx, b.h1, b.qkv);
  norm_heads(ctx, b);
  rotate(ctx, shared, b.qkv, Direction::forward);
  if (ctx.prompt) ctx.prompt->keys_values(ctx, layer_, keys_values(b.qkv));
}

at::Tensor AttentionBlock::keys_values(const at::Tensor& qkv) const {
  return qkv.narrow(1, shape_.heads * shape_.head_dim, 2 * shape_.kv_heads * shape_.head_dim);
}

void AttentionBlock::forward(const StepContext& ctx, const SharedBuffers& shared, const Pending& pending,
                             const LayerBuffers& b, const at::Tensor& y) const {
  project(ctx, shared, pending, b);
  ctx.kernels.attention(shape_, ctx.docs, {b.qkv, attended(b), b.lse});
  output(ctx, b, y);
}

void AttentionBlock::recompute(ActivationCheckpointing level, const StepContext& ctx, const SharedBuffers& shared,
                               const LayerBuffers& b, const at::Tensor& y) const {
  if (level == ActivationCheckpointing::full) return forward(ctx, shared, {}, b, y);
  if (!remakes(level, Remade::attention)) return remake_input(ctx, norm_, qkv_, b.x, b.h1, {b.rstd1, b.mean1});
  project(ctx, shared, {}, b);
  ctx.kernels.attention(shape_, ctx.docs, {b.qkv, attended(b), b.lse});
  o_.forward_tail(ctx, b.attended);
}

void AttentionBlock::extend(const StepContext& ctx, const SharedBuffers& shared, const Pending& pending,
                            const LayerBuffers& b, std::span<const CachedRows> conversations,
                            const at::Tensor& y) const {
  project(ctx, shared, pending, b);
  const int64_t q = shape_.heads * shape_.head_dim, kv = shape_.kv_heads * shape_.head_dim;
  for (const auto& [cache, first, count] : conversations) {
    const at::Tensor rows = b.qkv.narrow(0, first, count);
    ctx.kernels.copy(rows.narrow(1, q, kv), cache.keys.narrow(0, cache.used, count));
    ctx.kernels.copy(rows.narrow(1, q + kv, kv), cache.values.narrow(0, cache.used, count));
    const int64_t total = cache.used + count;
    ctx.kernels.attention_cached(shape_, rows.narrow(1, 0, q), cache.keys.narrow(0, 0, total),
                                 cache.values.narrow(0, 0, total), attended(b).narrow(0, first, count));
  }
  output(ctx, b, y);
}

void AttentionBlock::backward(const StepContext& ctx, const SharedBuffers& shared, const LayerBuffers& b,
                              const at::Tensor& dout, const at::Tensor& dx, InputGradient wanted) {
  const bool normed = wanted == InputGradient::wanted || trained_norm();
  const bool below = normed || trained_below_output();
  const at::Tensor do_ = shared.input_gradient(ctx.n, o_.layout().row_stride()), buffer = ctx.rows.padded(shared.y);
  const at::Tensor d = output_.backward(ctx, dout, buffer, b.attention_out, {b.rstd_out1, b.mean_out1});
  const at::Tensor dy = ctx.rows.gathered(serial_ ? serial_->backward(ctx, d, b.serial1) : d, buffer);
  o_.backward(ctx, dy, b.attended, do_, below ? InputGradient::wanted : InputGradient::not_wanted);
  if (!below) return;
  const at::Tensor dqkv = shared.dqkv.narrow(0, 0, ctx.n);
  ctx.kernels.attention_backward(shape_, ctx.docs,
                                 {{b.qkv, attended(b), b.lse}, do_.narrow(1, 0, o_.layout().in), dqkv});
  if (ctx.prompt) ctx.prompt->keys_values_backward(ctx, layer_, keys_values(dqkv));
  rotate(ctx, shared, dqkv, Direction::backward);
  norm_heads_backward(ctx, b, dqkv);
  const at::Tensor dh = shared.input_gradient(ctx.rows.share().padded, qkv_.layout().row_stride());
  gather_input_again(ctx, norm_, qkv_, b.x, b.h1, {b.rstd1, b.mean1});
  qkv_.backward(ctx, dqkv, b.h1, dh, normed ? InputGradient::wanted : InputGradient::not_wanted);
  if (normed) give_input_gradient(ctx, norm_, dh, b.x, {b.rstd1, b.mean1}, dx);
}

}  // namespace collie
