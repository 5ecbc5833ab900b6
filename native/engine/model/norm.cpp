#include "engine/model/norm.h"

namespace collie {

Norm::Norm(const WeightOptions& options, int64_t dim, double eps)
    : weight_(options, {dim}, Decay::no, ParameterKind::vector), eps_(eps) {}

void Norm::forward(const StepContext& ctx, const Pending& pending, const at::Tensor& x, const at::Tensor& y,
                   const at::Tensor& rstd) const {
  const bool add = pending.y.defined();
  ctx.kernels.rms_norm({.x = add ? pending.x : x,
                        .residual = pending.y,
                        .sum = add ? x : at::Tensor(),
                        .weight = weight_.computes(),
                        .y = y,
                        .rstd = rstd,
                        .eps = eps_});
}

void Norm::backward(const StepContext& ctx, const at::Tensor& dy, const at::Tensor& x, const at::Tensor& rstd,
                    const at::Tensor& dx) {
  ctx.kernels.rms_norm_backward(
      {.x = x, .weight = weight_.computes(), .dy = dy, .rstd = rstd, .dx = dx, .dweight = weight_.grad()});
}

}  // namespace collie
