// Adafactor: second moments factored into rows and columns, steps relative to the size of the weight (Shazeer and Stern 2018,
// arXiv 1804.04235), without momentum.
//   b = 1 - t^-decay_rate
//   R <- b R + (1 - b) mean of g^2 over columns, C likewise over rows; V = R_i C_j / max(mean R, eps1)      matrices
//   V <- b V + (1 - b) g^2                                                                                  vectors
//   u = g / sqrt(max(V, eps1^2));      u <- u / max(1, rms(u) / clip_threshold)
//   w <- w - lr decay w - max(eps2, rms(w)) min(lr, 1 / sqrt(t)) u
// The same as torch.optim.Adafactor, which guards V by a lower bound; the paper, and transformers' Adafactor, add eps1 to g^2
// instead. State: R and C, or V, fp32: rows + columns a matrix.
#include <algorithm>
#include <cmath>

#include "engine/optim/factored.h"

namespace collie {

namespace {

class Adafactor final : public FactoredRule {
 public:
  Adafactor(const OptimizerSpec& spec, std::span<const Parameter> parameters, Kernels& kernels)
      : FactoredRule(spec, parameters, kernels),
        decay_rate_(spec.hyper.number("decay_rate")),
        eps1_(spec.hyper.number("eps1")),
        eps2_(spec.hyper.number("eps2")),
        clip_threshold_(spec.hyper.number("clip_threshold")),
        weight_decay_(spec.hyper.number("weight_decay")) {}

  void update(size_t index, const Parameter& parameter, const OptimizerStep& now) override {
    const double t = static_cast<double>(now.step), rate = rate_of(parameter, now);
    FactoredStep step;
    step.keep = 1 - std::pow(t, -decay_rate_);
    step.least_mean = eps1_;
    step.least_moment = eps1_ * eps1_;
    step.threshold = clip_threshold_;
    step.rate = std::max(eps2_, rms_of(parameter)) * std::min(rate, 1 / std::sqrt(t));
    step.decay = rate * decay_of(parameter, weight_decay_);
    apply(index, parameter, now, step);
  }

 private:
  double decay_rate_, eps1_, eps2_, clip_threshold_, weight_decay_;
};

const RegisterOptimizer registered("adafactor", make_rule<Adafactor>);

}  // namespace

}  // namespace collie
