#include "engine/model/norm.h"

#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>

namespace collie {

Norm::Norm(std::string name, int64_t dim, double eps, TrainMode mode, at::TensorOptions storage)
    : name_(std::move(name)), eps_(eps), weight_(at::ones({dim}, storage)) {
  if (mode != TrainMode::full) return;
  const at::TensorOptions fp32 = storage.dtype(at::kFloat);
  master_ = weight_.scalar_type() == at::kFloat ? weight_ : at::ones({dim}, fp32);
  grad_ = at::zeros({dim}, fp32);
}

void Norm::forward(const StepContext& ctx, const Pending& pending, const at::Tensor& x, const at::Tensor& y,
                   const at::Tensor& rstd) const {
  const bool add = pending.y.defined();
  ctx.kernels.rms_norm({.x = add ? pending.x : x,
                        .residual = pending.y,
                        .sum = add ? x : at::Tensor(),
                        .weight = weight_,
                        .y = y,
                        .rstd = rstd,
                        .eps = eps_});
}

void Norm::backward(const StepContext& ctx, const at::Tensor& dy, const at::Tensor& x, const at::Tensor& rstd,
                    const at::Tensor& dx) {
  ctx.kernels.rms_norm_backward({.x = x, .weight = weight_, .dy = dy, .rstd = rstd, .dx = dx, .dweight = grad_});
}

void Norm::sync(Kernels& kernels) {
  if (master_.defined() && !master_.is_same(weight_)) kernels.copy(master_, weight_);
}

std::vector<Parameter> Norm::parameters() const {
  if (!master_.defined()) return {};
  return {{name_, master_, grad_, Decay::no, 1, ParameterKind::vector}};
}

int64_t Norm::weight_bytes() const {
  const bool separate = master_.defined() && !master_.is_same(weight_);
  return static_cast<int64_t>(weight_.nbytes() + (separate ? master_.nbytes() : 0));
}

}  // namespace collie
