#include "engine/model/norm.h"

namespace collie {

Norm::Norm(const WeightOptions& weight, const WeightOptions* bias, int64_t dim, const ModelConfig& c)
    : weight_(weight, {dim}, Decay::no, ParameterKind::vector),
      kind_(c.traits.norm),
      eps_(c.norm_eps),
      offset_(c.traits.norm_offset) {
  if (bias) bias_.emplace(*bias, std::vector<int64_t>{dim}, Decay::no, ParameterKind::vector);
}

void Norm::forward(const StepContext& ctx, const Pending& pending, const at::Tensor& x, const at::Tensor& y,
                   const NormStatistics& kept) const {
  const bool add = pending.y.defined();
  if (kind_ == NormKind::layer)
    return ctx.kernels.layer_norm({.x = add ? pending.x : x,
                                   .residual = pending.y,
                                   .sum = add ? x : at::Tensor(),
                                   .weight = weight_.computes(),
                                   .bias = bias_ ? bias_->computes() : at::Tensor(),
                                   .y = y,
                                   .rstd = kept.rstd,
                                   .mean = kept.mean,
                                   .eps = eps_,
                                   .offset = offset_});
  ctx.kernels.rms_norm({.x = add ? pending.x : x,
                        .residual = pending.y,
                        .sum = add ? x : at::Tensor(),
                        .weight = weight_.computes(),
                        .y = y,
                        .rstd = kept.rstd,
                        .eps = eps_,
                        .offset = offset_});
}

void Norm::backward(const StepContext& ctx, const at::Tensor& dy, const at::Tensor& x, const NormStatistics& kept,
                    const at::Tensor& dx) {
  if (bias_ && bias_->grad().defined())
    ctx.kernels.column_sums({.a = dy.narrow(1, 0, x.size(1)), .b = {}, .factors = {}, .sums = bias_->grad()});
  if (kind_ == NormKind::layer)
    return ctx.kernels.layer_norm_backward({.x = x,
                                            .weight = weight_.computes(),
                                            .dy = dy,
                                            .rstd = kept.rstd,
                                            .mean = kept.mean,
                                            .dx = dx,
                                            .dweight = weight_.grad(),
                                            .offset = offset_});
  ctx.kernels.rms_norm_backward({.x = x,
                                 .weight = weight_.computes(),
                                 .dy = dy,
                                 .rstd = kept.rstd,
                                 .dx = dx,
                                 .dweight = weight_.grad(),
                                 .offset = offset_});
}

GroupNorm::GroupNorm(const WeightOptions& options, int64_t size, const ModelConfig& c)
    : weight_(options, {size}, Decay::no, ParameterKind::vector), eps_(c.norm_eps), offset_(c.traits.norm_offset) {}

void GroupNorm::forward(const StepContext& ctx, const at::Tensor& x, const at::Tensor& y,
                        const at::Tensor& rstd) const {
  ctx.kernels.group_norm({.x = x, .weight = weight_.computes(), .y = y, .rstd = rstd, .eps = eps_, .offset = offset_});
}

void GroupNorm::backward(const StepContext& ctx, const at::Tensor& x, const at::Tensor& rstd,
                         const at::Tensor& dy) const {
  ctx.kernels.group_norm_backward(
      {.x = x, .weight = weight_.computes(), .rstd = rstd, .dy = dy, .dweight = weight_.grad(), .offset = offset_});
}

}  // namespace collie
