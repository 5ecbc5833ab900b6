// Lion: the sign of an interpolated momentum, found by symbolic search (Chen et al. 2023, arXiv 2302.06675).
//   w <- w - lr decay w - lr sign(b1 m + (1 - b1) g)          m <- b2 m + (1 - b2) g
// The same as the authors' code. State: m, fp32, 4 bytes a parameter.
#include "engine/optim/rule_base.h"

namespace collie {

namespace {

class Lion final : public RuleBase {
 public:
  Lion(const OptimizerSpec& spec, std::span<const Parameter> parameters, Kernels& kernels)
      : RuleBase(parameters, kernels),
        beta1_(spec.hyper.number("beta1")),
        beta2_(spec.hyper.number("beta2")),
        weight_decay_(spec.hyper.number("weight_decay")) {
    add_state_like(parameters, {"m"});
  }

  void update(size_t index, const Parameter& parameter, const OptimizerStep& now) override {
    const double rate = rate_of(parameter, now);
    ElementUpdate update = element_update(index, parameter, now);
    update.rule = LionRule{.decay = static_cast<float>(rate * decay_of(parameter, weight_decay_)),
                           .rate = static_cast<float>(rate),
                           .one_minus_beta1 = static_cast<float>(1 - beta1_),
                           .one_minus_beta2 = static_cast<float>(1 - beta2_)};
    kernels_.update(update);
  }

 private:
  double beta1_, beta2_, weight_decay_;
};

const RegisterOptimizer registered("lion", make_rule<Lion>);

}  // namespace

}  // namespace collie
