// AdamW: Adam with weight decay decoupled from the gradient (Loshchilov and Hutter 2017, arXiv 1711.05101).
//   m <- b1 m + (1 - b1) g          v <- b2 v + (1 - b2) g^2
//   w <- w - lr decay w - lr / (1 - b1^t) m / (sqrt(v / (1 - b2^t)) + eps)
// The same as torch.optim.AdamW. State: m and v, fp32, 8 bytes a parameter.
#include "engine/optim/rule_base.h"

namespace collie {

namespace {

class AdamW final : public RuleBase {
 public:
  AdamW(const OptimizerSpec& spec, std::span<const Parameter> parameters, Kernels& kernels)
      : RuleBase(parameters, kernels), fields_(adamw_fields(spec.hyper)) {
    add_state_like(parameters, {"m", "v"});
  }

  void update(size_t index, const Parameter& parameter, const OptimizerStep& now) override {
    AdamWFields fields = fields_;
    fields.weight_decay = decay_of(parameter, fields.weight_decay);
    ElementUpdate update = element_update(index, parameter, now);
    update.rule = adamw_rule(fields, rate_of(parameter, now), now.step);
    kernels_.update(update);
  }

 private:
  AdamWFields fields_;
};

const RegisterOptimizer registered("adamw", make_rule<AdamW>);

}  // namespace

}  // namespace collie
