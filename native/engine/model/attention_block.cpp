#include "engine/model/attention_block.h"

#include <cmath>

namespace collie {
namespace {

LinearOptions numbered(LinearOptions options, int64_t index) {
  options.index = index;
  return options;
}

}  // namespace

AttentionBlock::AttentionBlock(const ModelConfig& c, const LayerLayout& layout, const LinearOptions& options, int64_t layer)
    : shape_{c.n_heads, c.n_kv_heads, c.head_dim, c.sliding_window, 1 / std::sqrt(static_cast<double>(c.head_dim))},
      norm_(options.prefix + "input_layernorm.weight", c.hidden_size, c.rms_norm_eps, options.mode,
            at::TensorOptions().dtype(options.storage).device(options.device)),
      qkv_(layout.qkv, numbered(options, 0)),
      o_(layout.o, numbered(options, 1)) {}

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
  norm_.forward(ctx, pending, b.x, b.h1, b.rstd1);
  qkv_.forward(ctx, b.h1, b.qkv);
  ctx.kernels.rotary(rotary(ctx, shared, b.qkv), Direction::forward);
}

void AttentionBlock::forward(const StepContext& ctx, const SharedBuffers& shared, const Pending& pending,
                             const LayerBuffers& b, const at::Tensor& y) const {
  project(ctx, shared, pending, b);
  ctx.kernels.attention(shape_, ctx.docs, {b.qkv, attended(b), b.lse});
  o_.forward(ctx, b.attended, y);
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
  o_.forward(ctx, b.attended, y);
}

void AttentionBlock::backward(const StepContext& ctx, const SharedBuffers& shared, const LayerBuffers& b,
                              const at::Tensor& dx, InputGradient wanted) {
  const bool below = wanted == InputGradient::wanted || qkv_.trained();
  const at::Tensor do_ = shared.input_gradient(ctx.n, o_.layout().width());
  o_.backward(ctx, dx, b.attended, do_, below ? InputGradient::wanted : InputGradient::not_wanted);
  if (!below) return;
  const at::Tensor dqkv = shared.dqkv.narrow(0, 0, ctx.n);
  ctx.kernels.attention_backward(shape_, ctx.docs,
                                 {{b.qkv, attended(b), b.lse}, do_.narrow(1, 0, o_.layout().in), dqkv});
  ctx.kernels.rotary(rotary(ctx, shared, dqkv), Direction::backward);
  const at::Tensor dh = shared.input_gradient(ctx.n, qkv_.layout().width());
  qkv_.backward(ctx, dqkv, b.h1, dh, wanted);
  if (wanted == InputGradient::wanted) norm_.backward(ctx, dh, b.x, b.rstd1, dx);
}

}  // namespace collie
