// Muon: momentum whose singular values are all moved near 1 (Jordan et al. 2024, https://kellerjordan.github.io/posts/muon;
// scaled up in Liu et al. 2025, arXiv 2502.16982). For hidden matrices; embeddings, head and vectors go by AdamW with a rate of
// their own.
//   m <- momentum m + (1 - momentum) g;      u = momentum m + (1 - momentum) g (Nesterov), or m
//   X = u / |u|; ns_steps times: A = X X^T, X <- a X + (b A + c A A) X       (a, b, c) = (3.4445, -4.775, 2.0315)
//   w <- w - lr decay w - lr s X
//   s = sqrt(max(1, rows / columns)) "original", or 0.2 sqrt(max(rows, columns)) "match_rms_adamw", with which rates of AdamW fit
// The same as torch.optim.Muon but for one thing: torch runs the iteration in bf16, we in fp32. Both are rough on purpose, singular
// values end between 0.7 and 1.2; ours loses nothing on the way, and on CPUs bf16 is not faster.
// State: m, fp32, 4 bytes a parameter of a matrix; AdamW's 8 for the rest. Workspace: twice the largest matrix.
#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/optim/rule_base.h"

namespace collie {

namespace {

constexpr double kA = 3.4445, kB = -4.7750, kC = 2.0315, kLeastNorm = 1e-7;

class Muon final : public RuleBase {
 public:
  Muon(const OptimizerSpec& spec, std::span<const Parameter> parameters, Kernels& kernels)
      : RuleBase(parameters, kernels),
        momentum_(spec.hyper.number("momentum")),
        weight_decay_(spec.hyper.number("weight_decay")),
        nesterov_(spec.hyper.flag("nesterov")),
        match_adamw_(spec.hyper.choice("scale") == "match_rms_adamw"),
        steps_(spec.hyper.integer("ns_steps")),
        adamw_share_(spec.hyper.number("adamw_learning_rate") / spec.learning_rate),
        adamw_{spec.hyper.number("adamw_beta1"), spec.hyper.number("adamw_beta2"), spec.hyper.number("adamw_eps"), 0} {
    for (size_t i = 0; i < parameters.size(); ++i) {
      add_state(i, "m", parameters[i].master.sizes());
      if (!is_hidden(parameters[i])) add_state(i, "v", parameters[i].master.sizes());
    }
    reserve_workspace(spec, parameters);
  }

  void update(size_t index, const Parameter& parameter, const OptimizerStep& now) override {
    if (is_hidden(parameter)) return update_matrix(index, parameter, now);
    AdamWFields fields = adamw_;
    fields.weight_decay = decay_of(parameter, weight_decay_);
    ElementUpdate update = element_update(index, parameter, now);
    update.rule = adamw_rule(fields, rate_of(parameter, now) * adamw_share_, now.step);
    kernels_.update(update);
  }

 private:
  static bool is_hidden(const Parameter& parameter) {
    return parameter.kind == ParameterKind::matrix && parameter.master.dim() == 2;
  }

  void update_matrix(size_t index, const Parameter& parameter, const OptimizerStep& now) {
    const int64_t rows = parameter.master.size(0), cols = parameter.master.size(1);
    const double fresh = (1 - momentum_) * now.grad_factor, rate = rate_of(parameter, now);
    const at::Tensor& m = slot(index, 0);
    m.mul_(momentum_).add_(parameter.grad, fresh);
    const at::Tensor u = workspace(0, rows * cols).view({rows, cols});
    u.copy_(m);
    if (nesterov_) u.mul_(momentum_).add_(parameter.grad, fresh);

    const double ratio = static_cast<double>(rows) / static_cast<double>(cols);
    const double scale =
        match_adamw_ ? 0.2 * std::sqrt(static_cast<double>(std::max(rows, cols))) : std::sqrt(std::max(1.0, ratio));
    ElementUpdate update = part_update(index, parameter, now, 0, rows * cols);
    update.grad = orthogonalized(u).view({-1});
    update.grad_scale = 1;
    update.rule = PlainRule{.decay = static_cast<float>(rate * decay_of(parameter, weight_decay_)),
                            .rate = static_cast<float>(rate * scale),
                            .limit = std::numeric_limits<float>::infinity()};
    kernels_.update(update);
  }

  // The iteration on u [rows, cols], which lies at the start of the workspace; the result lies in the workspace too.
  at::Tensor orthogonalized(const at::Tensor& u) {
    const int64_t rows = u.size(0), cols = u.size(1), size = rows * cols, small = std::min(rows, cols),
                  large = std::max(rows, cols);
    u.div_(std::max(std::sqrt(kernels_.squared_norm(u)), kLeastNorm));
    at::Tensor x = workspace(0, size).view({small, large}), next = workspace(size, size).view({small, large});
    if (rows > cols) {
      next.copy_(u.t());
      std::swap(x, next);
    }
    const at::Tensor gram = workspace(2 * size, small * small).view({small, small});
    const at::Tensor change = workspace(2 * size + small * small, small * small).view({small, small});
    for (int64_t i = 0; i < steps_; ++i) {
      kernels_.gemm(x, x.t(), gram);
      change.copy_(gram);
      kernels_.gemm(gram, gram, change, {kC, kB});
      next.copy_(x);
      kernels_.gemm(change, x, next, {1, kA});
      std::swap(x, next);
    }
    if (rows <= cols) return x;
    const at::Tensor back = next.view({rows, cols});
    back.copy_(x.t());
    return back;
  }

  double momentum_, weight_decay_;
  bool nesterov_, match_adamw_;
  int64_t steps_;
  double adamw_share_;  // AdamW's rate over Muon's: both follow one schedule
  AdamWFields adamw_;
};

const RegisterOptimizer registered("muon", make_rule<Muon>);

}  // namespace

}  // namespace collie
