// AdamW: Adam with weight decay decoupled from the gradient (Loshchilov and Hutter 2017, arXiv 1711.05101).
//   m <- b1 m + (1 - b1) g          v <- b2 v + (1 - b2) g^2
//   w <- w - lr decay w - lr / (1 - b1^t) m / (sqrt(v / (1 - b2^t)) + eps)
// The same as torch.optim.AdamW. Parameters with Decay::no are not decayed. State: m and v, fp32, 8 bytes a parameter.
#pragma once

#include "engine/optim/optimizer.h"

namespace collie {

struct AdamWOptions {
  double beta1 = 0.9;
  double beta2 = 0.999;
  double eps = 1e-8;
  double weight_decay = 0;
};

class AdamW final : public Optimizer {
 public:
  AdamW(const AdamWOptions& options, std::span<const Parameter> parameters, Kernels& kernels);
  void step(std::span<Parameter> parameters, const OptimizerStep& now) override;
  std::vector<NamedTensor> state() override;
  int64_t memory_bytes() const override;

 private:
  struct Moments {
    std::string parameter;
    at::Tensor m;
    at::Tensor v;
  };
  AdamWOptions options_;
  Kernels& kernels_;
  std::vector<Moments> moments_;
};

}  // namespace collie
