// Adan: Nesterov momentum from differences of gradients (Xie et al. 2022, arXiv 2208.06677). Betas as in the authors' code, where
// they are what is kept (the paper's betas are what is added).
//   d = g - last g (0 in the first step)
//   m <- b1 m + (1 - b1) g     v <- b2 v + (1 - b2) d     n <- b3 n + (1 - b3) (g + b2 d)^2
//   u = (m / (1 - b1^t) + b2 v / (1 - b2^t)) / (sqrt(n / (1 - b3^t)) + eps)
//   w <- (w - lr u) / (1 + lr decay)            proximal decay, the paper's
//   w <- (1 - lr decay) w - lr u                "no_prox", AdamW's
// The same as the authors' code. State: m, v, n and the last gradient (after clipping, as theirs), fp32, 16 bytes a parameter.
#include <cmath>

#include "engine/optim/rule_base.h"

namespace collie {

namespace {

class Adan final : public RuleBase {
 public:
  Adan(const OptimizerSpec& spec, std::span<const Parameter> parameters, Kernels& kernels)
      : RuleBase(parameters, kernels),
        beta1_(spec.hyper.number("beta1")),
        beta2_(spec.hyper.number("beta2")),
        beta3_(spec.hyper.number("beta3")),
        eps_(spec.hyper.number("eps")),
        weight_decay_(spec.hyper.number("weight_decay")),
        no_prox_(spec.hyper.flag("no_prox")) {
    add_state_like(parameters, {"m", "v", "n", "last_grad"});
  }

  void update(size_t index, const Parameter& parameter, const OptimizerStep& now) override {
    const double rate = rate_of(parameter, now), decay = rate * decay_of(parameter, weight_decay_);
    ElementUpdate update = element_update(index, parameter, now);
    update.rule = AdanRule{.first = now.step == 1 ? 1.f : 0.f,
                           .one_minus_beta1 = static_cast<float>(1 - beta1_),
                           .beta2 = static_cast<float>(beta2_),
                           .one_minus_beta2 = static_cast<float>(1 - beta2_),
                           .one_minus_beta3 = static_cast<float>(1 - beta3_),
                           .rate_m = static_cast<float>(rate / bias_correction(beta1_, now.step)),
                           .rate_v = static_cast<float>(rate * beta2_ / bias_correction(beta2_, now.step)),
                           .root = static_cast<float>(1 / std::sqrt(bias_correction(beta3_, now.step))),
                           .eps = static_cast<float>(eps_),
                           .decay_before = no_prox_ ? static_cast<float>(decay) : 0.f,
                           .decay_after = no_prox_ ? 0.f : static_cast<float>(decay / (1 + decay))};
    kernels_.update(update);
  }

 private:
  double beta1_, beta2_, beta3_, eps_, weight_decay_;
  bool no_prox_;
};

const RegisterOptimizer registered("adan", make_rule<Adan>);

}  // namespace

}  // namespace collie
