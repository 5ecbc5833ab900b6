// Sophia-G: momentum divided by a clipped estimate of the curvature (Liu et al. 2023, arXiv 2305.14342, algorithm 3).
//   m <- b1 m + (1 - b1) g
//   every k steps, after the update: h <- b2 h + (1 - b2) B gs^2     (Gauss-Newton-Bartlett, algorithm 2)
//   w <- w - lr decay w - lr clamp(m / (rho h + 1e-15), -1, 1)
// gs is the gradient of the mean loss over B targets whose labels were sampled from the model itself.
// The authors' code keeps B out of h and multiplies rho h by the B of the step. At a constant B that is the same. Where B varies,
// as with packed documents, the paper's form, which is ours, is right: B belongs to the estimate that it was measured with.
// State: m and h, fp32, 8 bytes a parameter.
#include "engine/optim/rule_base.h"

namespace collie {

namespace {

class Sophia final : public RuleBase {
 public:
  Sophia(const OptimizerSpec& spec, std::span<const Parameter> parameters, Kernels& kernels)
      : RuleBase(parameters, kernels),
        beta1_(spec.hyper.number("beta1")),
        beta2_(spec.hyper.number("beta2")),
        rho_(spec.hyper.number("rho")),
        weight_decay_(spec.hyper.number("weight_decay")),
        interval_(spec.hyper.integer("hessian_interval")) {
    add_state_like(parameters, {"m", "h"});
  }

  void update(size_t index, const Parameter& parameter, const OptimizerStep& now) override {
    const double rate = rate_of(parameter, now);
    ElementUpdate update = element_update(index, parameter, now);
    update.rule = SophiaRule{.decay = static_cast<float>(rate * decay_of(parameter, weight_decay_)),
                             .rate = static_cast<float>(rate),
                             .one_minus_beta1 = static_cast<float>(1 - beta1_),
                             .rho = static_cast<float>(rho_),
                             .eps = 1e-15f};
    kernels_.update(update);
  }

  int64_t curvature_interval() const override { return interval_; }

  void observe_curvature(size_t index, const Parameter& parameter, double tokens) override {
    slot(index, 1).mul_(beta2_).addcmul_(parameter.grad, parameter.grad, (1 - beta2_) * tokens);
  }

 private:
  double beta1_, beta2_, rho_, weight_decay_;
  int64_t interval_;
};

const RegisterOptimizer registered("sophia", make_rule<Sophia>);

}  // namespace

}  // namespace collie
