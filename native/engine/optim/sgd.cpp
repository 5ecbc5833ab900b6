// Stochastic gradient descent with momentum, as torch.optim.SGD (dampening 0):
//   g <- g + decay w          m <- momentum m + g          w <- w - lr m,   with Nesterov: w <- w - lr (g + momentum m)
// Decay is added to the gradient (L2), so momentum sees it. State: m, fp32, 4 bytes a parameter; none when momentum is 0.
#include <limits>

#include "engine/optim/rule_base.h"

namespace collie {

namespace {

class Sgd final : public RuleBase {
 public:
  Sgd(const OptimizerSpec& spec, std::span<const Parameter> parameters, Kernels& kernels)
      : RuleBase(parameters, kernels),
        momentum_(spec.hyper.number("momentum")),
        weight_decay_(spec.hyper.number("weight_decay")),
        nesterov_(spec.hyper.flag("nesterov")) {
    if (momentum_ > 0) add_state_like(parameters, {"m"});
  }

  void update(size_t index, const Parameter& parameter, const OptimizerStep& now) override {
    const double rate = rate_of(parameter, now), decay = decay_of(parameter, weight_decay_);
    ElementUpdate update = element_update(index, parameter, now);
    if (momentum_ > 0)
      update.rule = MomentumRule{.rate = static_cast<float>(rate),
                                 .momentum = static_cast<float>(momentum_),
                                 .decay = static_cast<float>(decay),
                                 .nesterov = nesterov_ ? 1.f : 0.f};
    else
      update.rule = PlainRule{.decay = static_cast<float>(rate * decay),
                              .rate = static_cast<float>(rate),
                              .limit = std::numeric_limits<float>::infinity()};
    kernels_.update(update);
  }

 private:
  double momentum_, weight_decay_;
  bool nesterov_;
};

const RegisterOptimizer registered("sgd", make_rule<Sgd>);

}  // namespace

}  // namespace collie
