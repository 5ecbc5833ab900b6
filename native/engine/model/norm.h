// Norms with their weights: RMSNorm (Zhang and Sennrich 2019, arXiv 1910.07467) or LayerNorm (Ba, Kiros and Hinton 2016, arXiv 1607.06450) of
// the residual stream, RMSNorm of heads of queries and keys.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "core/model/model_config.h"
#include "engine/model/base_weight.h"
#include "engine/peft/context.h"

namespace collie {

// Of every row, fp32 [n], kept for the backward pass; `mean` of LayerNorm only. Undefined: not kept.
struct NormStatistics {
  at::Tensor rstd, mean;
};

class Norm {
 public:
  // `bias`: null where the norm has none.
  Norm(const WeightOptions& weight, const WeightOptions* bias, int64_t dim, const ModelConfig& config);

  // y = norm(x); with something pending, x = pending.x + pending.y is stored first.
  void forward(const StepContext& ctx, const Pending& pending, const at::Tensor& x, const at::Tensor& y,
               const NormStatistics& kept) const;
  // dx += gradient through the norm, unless undefined; the weight's gradient is accumulated when it is trained.
  void backward(const StepContext& ctx, const at::Tensor& dy, const at::Tensor& x, const NormStatistics& kept,
                const at::Tensor& dx);
  bool trained() const { return weight_.grad().defined(); }

  BaseWeight& weight() { return weight_; }
  BaseWeight* bias() { return bias_ ? &*bias_ : nullptr; }
  // Both, in order.
  void append_weights(std::vector<BaseWeight*>& to) {
    to.push_back(&weight_);
    if (bias_) to.push_back(&*bias_);
  }

 private:
  BaseWeight weight_;               // [D]
  std::optional<BaseWeight> bias_;  // fp32 [D]
  NormKind kind_;
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
