#include "engine/model/norm.h"

namespace collie {

Norm::Norm(const WeightOptions& options, int64_t dim, const ModelConfig& c)
    : weight_(options, {dim}, Decay::no, ParameterKind::vector), eps_(c.norm_eps), offset_(c.traits.norm_offset) {}

void Norm::forward(const StepContext& ctx, const Pending& pending, const at::Tensor& x, const at::Tensor& y,
                   const at::Tensor& rstd) const {
  const bool add = pending.y.defined();
  ctx.kernels.rms_norm({.x = add ? pending.x : x,
                        .residual = pending.y,
                        .sum = add ? x : at::Tensor(),
                        .weight = weight_.computes(),
                        .y = y,
                        .rstd = rstd,
                        .eps = eps_,
                        .offset = offset_});
}

void Norm::backward(const StepContext& ctx, const at::Tensor& dy, const at::Tensor& x, const at::Tensor& rstd,
                    const at::Tensor& dx) {
  ctx.kernels.rms_norm_backward(
      {.x = x, .weight = weight_.computes(), .dy = dy, .rstd = rstd, .dx = dx, .dweight = weight_.grad(), .offset = offset_});
}

GroupNorm::GroupNorm(const WeightOptions& options, int64_t size, const ModelConfig& c)
    : weight_(options, {size}, Decay::no, ParameterKind::vector), eps_(c.norm_eps), offset_(c.traits.norm_offset) {}

void GroupNorm::forward(const StepContext& ctx, const at::Tensor& x, const at::Tensor& y, const at::Tensor& rstd) const {
  ctx.kernels.group_norm({.x = x, .weight = weight_.computes(), .y = y, .rstd = rstd, .eps = eps_, .offset = offset_});
}

void GroupNorm::backward(const StepContext& ctx, const at::Tensor& x, const at::Tensor& rstd, const at::Tensor& dy) const {
  ctx.kernels.group_norm_backward(
      {.x = x, .weight = weight_.computes(), .rstd = rstd, .dy = dy, .dweight = weight_.grad(), .offset = offset_});
}

}  // namespace collie
