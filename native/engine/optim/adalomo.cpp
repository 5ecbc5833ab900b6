// AdaLomo: an adaptive rate from factored second moments, inside the backward pass (Lv et al. 2023, arXiv 2310.10195).
//   b = 1 - t^-decay_rate          q = g^2 + eps1
//   R <- b R + (1 - b) mean of q over columns, C likewise over rows; u = g / sqrt((R_i / mean R) C_j)      matrices
//   V <- b V + (1 - b) q;                                            u = g / sqrt(V)                       vectors
//   u <- u / max(1, rms(u) / clip_threshold)
//   a = lr max(eps2, rms(w));      w <- (1 - a decay) w - a u
// The same as lomo-optim, but for its exemption from decay: theirs decays norms and biases too, which the other rules here and
// everywhere do not. State: R and C, or V, fp32: rows + columns a matrix.
#include <algorithm>
#include <cmath>

#include "engine/optim/factored.h"

namespace collie {

namespace {

class AdaLomo final : public FactoredRule {
 public:
  AdaLomo(const OptimizerSpec& spec, std::span<const Parameter> parameters, Kernels& kernels)
      : FactoredRule(spec, parameters, kernels),
        decay_rate_(spec.hyper.number("decay_rate")),
        eps1_(spec.hyper.number("eps1")),
        eps2_(spec.hyper.number("eps2")),
        clip_threshold_(spec.hyper.number("clip_threshold")),
        weight_decay_(spec.hyper.number("weight_decay")) {}

  void update(size_t index, const Parameter& parameter, const OptimizerStep& now) override {
    FactoredStep step;
    step.keep = 1 - std::pow(static_cast<double>(now.step), -decay_rate_);
    step.add_square = eps1_;
    step.threshold = clip_threshold_;
    step.rate = rate_of(parameter, now) * std::max(eps2_, rms_of(parameter));
    step.decay = step.rate * decay_of(parameter, weight_decay_);
    apply(index, parameter, now, step);
  }

 private:
  double decay_rate_, eps1_, eps2_, clip_threshold_, weight_decay_;
};

const RegisterOptimizer registered("adalomo", make_rule<AdaLomo>);

}  // namespace

}  // namespace collie
