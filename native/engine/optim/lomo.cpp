// LOMO: plain gradient descent inside the backward pass, so that neither state nor more than a layer's gradients are held
// (Lv et al. 2023, arXiv 2306.09782).
//   w <- (1 - lr decay) w - lr c clamp(g, -clip_value, clip_value)
// c is the global clipping factor, from an earlier backward pass of its own; as in the authors' code it multiplies what clamping
// has left. The same as lomo-optim. State: none.
#include <limits>

#include "engine/optim/rule_base.h"

namespace collie {

namespace {

class Lomo final : public RuleBase {
 public:
  Lomo(const OptimizerSpec& spec, std::span<const Parameter> parameters, Kernels& kernels)
      : RuleBase(parameters, kernels),
        clip_value_(spec.hyper.number("clip_value")),
        weight_decay_(spec.hyper.number("weight_decay")) {}

  void update(size_t index, const Parameter& parameter, const OptimizerStep& now) override {
    const double rate = rate_of(parameter, now);
    ElementUpdate update = element_update(index, parameter, now);
    update.grad_scale = 1;
    update.rule =
        PlainRule{.decay = static_cast<float>(rate * decay_of(parameter, weight_decay_)),
                  .rate = static_cast<float>(rate * now.grad_factor),
                  .limit = clip_value_ > 0 ? static_cast<float>(clip_value_) : std::numeric_limits<float>::infinity()};
    kernels_.update(update);
  }

 private:
  double clip_value_, weight_decay_;
};

const RegisterOptimizer registered("lomo", make_rule<Lomo>);

}  // namespace

}  // namespace collie
