#include "engine/model/attention_block.h"

#include <cmath>

#include "engine/model/normed_input.h"
#include "engine/peft/prompt_adapter.h"

namespace collie {

AttentionBlock::AttentionBlock(const LayerOptions& o, AttentionBlock* first)
    : layer_(o.layer()),
      shape_{o.model.heads.heads.size, o.model.heads.kv_heads.size, o.config.head_dim, o.config.sliding_window,
             1 / std::sqrt(static_cast<double>(o.config.head_dim))},
      norm_(o.norm("input_layernorm", o.layout().input_norm, first ? &first->norm_.weight() : nullptr), o.config.hidden_size,
            o.config.rms_norm_eps),
      qkv_(o.linear(o.layout().qkv, 0, first ? &first->qkv_ : nullptr)),
      o_(o.linear(o.layout().o, 1, first ? &first->o_ : nullptr)),
      serial_(o.serial("attention_adapter")),
      trains_serial_(serial_ && o.model.purpose == Purpose::train) {}

void AttentionBlock::output(const StepContext& ctx, const LayerBuffers& b, const at::Tensor& y) const {
  o_.forward(ctx, b.attended, y);
  if (serial_ && ctx.adapter == AdapterUse::on) serial_->forward(ctx, ctx.rows.own(y), b.serial1);
}

Rotary AttentionBlock::rotary(const StepContext& ctx, const SharedBuffers& shared, const at::Tensor& qkv) const {
  // Queries and keys lie side by side: one pass over both.
  return {.x = qkv,
          .positions = ctx.positions,
          .cos = shared.rope_cos,
          .sin = shared.rope_sin,
          .heads = shape_.heads + shape_.kv_heads,
          .head_dim = shape_.head_dim};
}

void AttentionBlock::project(const StepContext& ctx, const SharedBuffers& shared, const Pending& pending,
                             const LayerBuffers& b) const {
  norm_tokens(ctx, norm_, pending, b.x, b.h1, b.rstd1);
  qkv_.forward(ctx, b.h1, b.qkv);
  ctx.kernels.rotary(rotary(ctx, shared, b.qkv), Direction::forward);
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

void AttentionBlock::extend(const StepContext& ctx, const SharedBuffers& shared, const Pending& pending,
                            const LayerBuffers& b, const LayerCache& cache, const at::Tensor& y) const {
  project(ctx, shared, pending, b);
  const int64_t q = shape_.heads * shape_.head_dim, kv = shape_.kv_heads * shape_.head_dim;
  ctx.kernels.copy(b.qkv.narrow(1, q, kv), cache.keys.narrow(0, cache.used, ctx.n));
  ctx.kernels.copy(b.qkv.narrow(1, q + kv, kv), cache.values.narrow(0, cache.used, ctx.n));
  const int64_t total = cache.used + ctx.n;
  ctx.kernels.attention_cached(shape_, b.qkv.narrow(1, 0, q), cache.keys.narrow(0, 0, total),
                               cache.values.narrow(0, 0, total), attended(b));
  output(ctx, b, y);
}

void AttentionBlock::backward(const StepContext& ctx, const SharedBuffers& shared, const LayerBuffers& b,
                              const at::Tensor& dx, InputGradient wanted) {
  const bool normed = wanted == InputGradient::wanted || norm_.trained();
  const bool below = normed || qkv_.trained();
  const at::Tensor do_ = shared.input_gradient(ctx.n, o_.layout().row_stride());
  const at::Tensor dy = ctx.rows.gathered(serial_ ? serial_->backward(ctx, dx, b.serial1) : dx, ctx.rows.padded(shared.y));
  o_.backward(ctx, dy, b.attended, do_, below ? InputGradient::wanted : InputGradient::not_wanted);
  if (!below) return;
  const at::Tensor dqkv = shared.dqkv.narrow(0, 0, ctx.n);
  ctx.kernels.attention_backward(shape_, ctx.docs,
                                 {{b.qkv, attended(b), b.lse}, do_.narrow(1, 0, o_.layout().in), dqkv});
  if (ctx.prompt) ctx.prompt->keys_values_backward(ctx, layer_, keys_values(dqkv));
  ctx.kernels.rotary(rotary(ctx, shared, dqkv), Direction::backward);
  const at::Tensor dh = shared.input_gradient(ctx.rows.share().padded, qkv_.layout().row_stride());
  norm_tokens_again(ctx, norm_, qkv_, b.x, b.h1, b.rstd1);
  qkv_.backward(ctx, dqkv, b.h1, dh, normed ? InputGradient::wanted : InputGradient::not_wanted);
  if (normed) norm_.backward(ctx, ctx.rows.own(dh), b.x, b.rstd1, dx);
}

}  // namespace collie
