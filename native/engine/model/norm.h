// RMSNorm (Zhang and Sennrich 2019, arXiv 1910.07467) with its weight: of the residual stream, and of heads of queries and keys.
#pragma once

#include <string>
#include <vector>

#include "core/model/model_config.h"
#include "engine/model/base_weight.h"
#include "engine/peft/context.h"

namespace collie {

class Norm {
 public:
  Norm(const WeightOptions& options, int64_t dim, const ModelConfig& config);

  // y = norm(x); with something pending, x = pending.x + pending.y is stored first.
  void forward(const StepContext& ctx, const Pending& pending, const at::Tensor& x, const at::Tensor& y,
               const at::Tensor& rstd) const;
  // dx += gradient through the norm, unless undefined; the weight's gradient is accumulated when it is trained.
  void backward(const StepContext& ctx, const at::Tensor& dy, const at::Tensor& x, const at::Tensor& rstd,
                const at::Tensor& dx);
  bool trained() const { return weight_.grad().defined(); }

  BaseWeight& weight() { return weight_; }
  const BaseWeight& weight() const { return weight_; }

 private:
  BaseWeight weight_;  // [D]
  double eps_, offset_;
};

// Over groups of `size` columns each: one head, or all of them.
class GroupNorm {
 public:
  GroupNorm(const WeightOptions& options, int64_t size, const ModelConfig& config);

  // x [n, groups size] as it was, y the same normed; rstd [n, groups].
  void forward(const StepContext& ctx, const at::Tensor& x, const at::Tensor& y, const at::Tensor& rstd) const;
  // dy becomes the gradient of x; the weight's gradient is accumulated when it is trained.
  void backward(const StepContext& ctx, const at::Tensor& x, const at::Tensor& rstd, const at::Tensor& dy) const;
  bool trained() const { return weight_.grad().defined(); }
  BaseWeight& weight() { return weight_; }
  int64_t size() const { return weight_.computes().numel(); }

 private:
  BaseWeight weight_;  // [size]
  double eps_, offset_;
};

}  // namespace collie
