// RMSNorm (Zhang and Sennrich 2019, arXiv 1910.07467) with its weight.
#pragma once

#include <string>
#include <vector>

#include "core/model_layout.h"
#include "engine/model/context.h"
#include "engine/model/parameter.h"

namespace collie {

class Norm {
 public:
  Norm(std::string name, int64_t dim, double eps, TrainMode mode, at::TensorOptions storage);

  // y = norm(x); with something pending, x = pending.x + pending.y is stored first.
  void forward(const StepContext& ctx, const Pending& pending, const at::Tensor& x, const at::Tensor& y,
               const at::Tensor& rstd) const;
  // dx += gradient through the norm; the weight's gradient is accumulated when it is trained.
  void backward(const StepContext& ctx, const at::Tensor& dy, const at::Tensor& x, const at::Tensor& rstd,
                const at::Tensor& dx);

  const std::string& name() const { return name_; }
  at::Tensor base_weight() const { return master_.defined() ? master_ : weight_; }
  void sync(Kernels& kernels);
  std::vector<Parameter> parameters() const;
  int64_t weight_bytes() const;
  int64_t gradient_bytes() const { return grad_.defined() ? static_cast<int64_t>(grad_.nbytes()) : 0; }

 private:
  std::string name_;  // "model.norm.weight"
  double eps_;
  at::Tensor weight_;         // storage [D]
  at::Tensor master_, grad_;  // fp32 [D], TrainMode::full
};

}  // namespace collie
