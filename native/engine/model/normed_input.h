// How a block meets the residual stream. Its input: the norm of the stream, or the stream itself where the family has no norm there.
// With sequence parallelism (engine/parallel/token_rows.h) every rank norms its own tokens and gathers the others'; that of a layer is
// not kept for the backward pass, where it is made again from the rank's own rows, as the paper does: what is kept of a layer shrinks
// with the group. Its output: what the last linear gives, normed and scaled where the family does that.
#pragma once

#include <ATen/ops/add.h>

#include <optional>

#include "engine/model/linear.h"
#include "engine/model/norm.h"

namespace collie {

// Legend: M own tokens, P padded ones. Residual stream x [M, D] (Norm::forward says how `pending` fills it), h [P, D or wider].
inline void norm_tokens(const StepContext& ctx, const Norm& norm, const Pending& pending, const at::Tensor& x,
                        const at::Tensor& h, const NormStatistics& kept) {
  norm.forward(ctx, pending, x, ctx.rows.own(h), kept);
  ctx.rows.gather(h);
}

inline void take_input(const StepContext& ctx, const std::optional<Norm>& norm, const Pending& pending,
                       const at::Tensor& x, const at::Tensor& h, const NormStatistics& kept) {
  if (norm) return norm_tokens(ctx, *norm, pending, x, h, kept);
  if (pending.y.defined()) {
    at::Tensor sum = x;
    at::add_out(sum, pending.x, pending.y);
  }
  ctx.kernels.copy(x, ctx.rows.own(h).narrow(1, 0, x.size(1)));
  ctx.rows.gather(h);
}

// h as `linear` saw it, with what an adapter adds, where the linear's gradients need it.
inline void input_again(const StepContext& ctx, const std::optional<Norm>& norm, const Linear& linear,
                        const at::Tensor& x, const at::Tensor& h, const NormStatistics& kept) {
  if (!linear.trained()) return;
  take_input(ctx, norm, {}, x, h, kept);
  linear.forward_tail(ctx, h);
}

// With sequence parallelism h is in a buffer of all layers and both blocks: it is made again right before it is used.
inline void gather_input_again(const StepContext& ctx, const std::optional<Norm>& norm, const Linear& linear,
                               const at::Tensor& x, const at::Tensor& h, const NormStatistics& kept) {
  if (ctx.rows.shared()) input_again(ctx, norm, linear, x, h, kept);
}

// By activation checkpointing, which leaves it to the above there.
inline void remake_input(const StepContext& ctx, const std::optional<Norm>& norm, const Linear& linear,
                         const at::Tensor& x, const at::Tensor& h, const NormStatistics& kept) {
  if (!ctx.rows.shared()) input_again(ctx, norm, linear, x, h, kept);
}

// dx += the gradient that arrives at the block's input, dh [P, D or wider].
inline void give_input_gradient(const StepContext& ctx, std::optional<Norm>& norm, const at::Tensor& dh,
                                const at::Tensor& x, const NormStatistics& kept, const at::Tensor& dx) {
  if (norm) return norm->backward(ctx, ctx.rows.own(dh), x, kept, dx);
  ctx.kernels.add(ctx.rows.own(dh).narrow(1, 0, dx.size(1)), dx);
}

// The end of a block: y [P, D] as its last linear left it becomes what joins the residual stream.
class BlockOutput {
 public:
  BlockOutput(std::optional<Norm> norm, const ModelConfig& config)
      : norm_(std::move(norm)), scale_(config.traits.residual_scale) {}

  // `normed` [M, D] and `kept` for the backward pass, with a norm.
  void forward(const StepContext& ctx, const at::Tensor& y, const at::Tensor& normed,
               const NormStatistics& kept) const {
    const at::Tensor own = ctx.rows.own(y);
    if (norm_) {
      ctx.kernels.copy(own, normed);
      norm_->forward(ctx, {}, normed, own, kept);
    }
    if (scale_ != 1) ctx.kernels.copy(own, own, scale_);
  }

  // The gradient of what the linear left from that of the residual stream, dx [M, D]: dx itself, or in `buffer` [P, D].
  at::Tensor backward(const StepContext& ctx, const at::Tensor& dx, const at::Tensor& buffer, const at::Tensor& normed,
                      const NormStatistics& kept) {
    if (!norm_ && scale_ == 1) return dx;
    const at::Tensor own = ctx.rows.own(buffer);
    if (!norm_) {
      ctx.kernels.copy(dx, own, scale_);
      return own;
    }
    own.zero_();
    norm_->backward(ctx, dx, normed, kept, own);
    if (scale_ != 1) ctx.kernels.copy(own, own, scale_);
    return own;
  }

  std::optional<Norm>& norm() { return norm_; }
  bool normed() const { return norm_.has_value(); }
  bool trained() const { return norm_ && norm_->trained(); }

 private:
  std::optional<Norm> norm_;
  double scale_;
};

}  // namespace collie
