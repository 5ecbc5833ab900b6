// The input of a block's first linear: the norm of the residual stream, of all tokens. With sequence parallelism (engine/parallel/
// token_rows.h) every rank norms its own and gathers the others'; that of a layer is not kept for the backward pass, where it is made
// again from the rank's own rows, as the paper does: what is kept of a layer shrinks with the group.
#pragma once

#include "engine/model/linear.h"
#include "engine/model/norm.h"

namespace collie {

// Legend: M own tokens, P padded ones. Residual stream x [M, D] (Norm::forward says how `pending` fills it), h [P, D or wider].
inline void norm_tokens(const StepContext& ctx, const Norm& norm, const Pending& pending, const at::Tensor& x, const at::Tensor& h,
                        const at::Tensor& rstd) {
  norm.forward(ctx, pending, x, ctx.rows.own(h), rstd);
  ctx.rows.gather(h);
}

// h as `linear` saw it, with what an adapter adds, where layers do not keep it and the linear's gradients need it.
inline void norm_tokens_again(const StepContext& ctx, const Norm& norm, const Linear& linear, const at::Tensor& x, const at::Tensor& h,
                              const at::Tensor& rstd) {
  if (!ctx.rows.shared() || !linear.trained()) return;
  norm_tokens(ctx, norm, {}, x, h, rstd);
  linear.forward_tail(ctx, h);
}

}  // namespace collie
