// APOLLO: AdamW's step size per channel, learned from a random low-rank picture of the gradient (Zhu et al. 2024,
// arXiv 2412.05270). For hidden matrices whose smaller side is above the rank; all others go by AdamW.
//   P [rank, small side], normal of variance 1 / rank, drawn anew every `update_interval` steps
//   r = the gradient projected to [rank, large side];     m, v: AdamW's moments of r
//   r' = m / (sqrt(v) + eps);     s_j = |r'_j| / (|r_j| + 1e-8) a channel j of the large side, or one s for all ("tensor")
//   u = s g;  u <- u / max(1, |u| / (1.01 |last u|))      the growth limiter of Fira (arXiv 2410.01623)
//   w <- (w - lr sqrt(1 - b2^t) / (1 - b1^t) sqrt(scale) u) (1 - lr decay)
// The same as the authors' code, apart from the random numbers (ours are a pure function of seed, parameter and refresh) and one
// thing: after a step without any gradient, as the A of a LoRA in its first, their limiter compares with zero and holds the
// following hundreds of steps at nearly nothing; ours starts anew.
// State: P, m, v and |u|, fp32: rank (2 large + small side) floats a matrix. Workspace: r, or a group of rows.
#include <ATen/ops/div.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/sqrt.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "core/base/random.h"
#include "engine/optim/rule_base.h"

namespace collie {

namespace {

constexpr double kGrowth = 1.01, kLeast = 1e-8;

class Apollo final : public RuleBase {
 public:
  Apollo(const OptimizerSpec& spec, std::span<const Parameter> parameters, Kernels& kernels)
      : RuleBase(parameters, kernels),
        fields_(adamw_fields(spec.hyper)),
        rank_(spec.hyper.integer("rank")),
        interval_(spec.hyper.integer("update_interval")),
        scale_(spec.hyper.number("scale")),
        by_channel_(spec.hyper.choice("scale_type") == "channel"),
        seed_(spec.seed) {
    for (size_t i = 0; i < parameters.size(); ++i) {
      const at::Tensor& weight = parameters[i].master;
      if (!is_projected(parameters[i])) {
        add_state(i, "m", weight.sizes());
        add_state(i, "v", weight.sizes());
        continue;
      }
      const int64_t small = std::min(weight.size(0), weight.size(1)), large = std::max(weight.size(0), weight.size(1));
      add_state(i, "m", {rank_, large});
      add_state(i, "v", {rank_, large});
      add_state(i, "projection", {rank_, small});
      add_state(i, "norm", {1});
    }
    reserve_workspace(spec, parameters);
  }

  void update(size_t index, const Parameter& parameter, const OptimizerStep& now) override {
    AdamWFields fields = fields_;
    fields.weight_decay = decay_of(parameter, fields.weight_decay);
    if (is_projected(parameter)) return update_matrix(index, parameter, now, fields);
    ElementUpdate update = element_update(index, parameter, now);
    update.rule = adamw_rule(fields, rate_of(parameter, now), now.step);
    kernels_.update(update);
  }

 private:
  bool is_projected(const Parameter& parameter) const {
    const at::Tensor& weight = parameter.master;
    return parameter.kind == ParameterKind::matrix && weight.dim() == 2 &&
           std::min(weight.size(0), weight.size(1)) > rank_;
  }

  // Normal numbers by Box and Muller (1958), made on the host in double: the same on every device.
  void draw_projection(size_t index, int64_t refresh) {
    const at::Tensor& projection = slot(index, 2);
    const at::Tensor host = at::empty(projection.sizes(), at::kFloat);
    uint64_t state = seed_ * 1'000'003 + static_cast<uint64_t>(refresh);
    state = splitmix64(state) + key_of(index);
    const double deviation = 1 / std::sqrt(static_cast<double>(rank_));
    float* values = host.data_ptr<float>();
    for (int64_t i = 0; i < host.numel(); ++i) {
      const double radius = std::sqrt(-2 * std::log(static_cast<double>((splitmix64(state) >> 11) + 1) * 0x1.0p-53));
      const double angle = 2 * std::numbers::pi * static_cast<double>(splitmix64(state) >> 11) * 0x1.0p-53;
      values[i] = static_cast<float>(deviation * radius * std::cos(angle));
    }
    projection.copy_(host);
  }

  // s, one a channel of the large side, or one.
  at::Tensor factors(size_t index, const at::Tensor& grad, const OptimizerStep& now, const AdamWFields& fields) {
    const at::Tensor &m = slot(index, 0), &v = slot(index, 1);
    const int64_t large = m.size(1);
    at::Tensor low = workspace(0, rank_ * large).view({rank_, large});
    at::mm_out(low, slot(index, 2), grad.size(0) >= grad.size(1) ? grad.t() : grad).mul_(now.grad_factor);
    const auto norms = [&] {
      return by_channel_ ? at::linalg_vector_norm(low, 2, 0) : at::linalg_vector_norm(low, 2).view({1});
    };
    m.mul_(fields.beta1).add_(low, 1 - fields.beta1);
    v.mul_(fields.beta2).addcmul_(low, low, 1 - fields.beta2);
    const at::Tensor before = norms().add_(kLeast);
    at::sqrt_out(low, v).add_(fields.eps);
    at::div_out(low, m, low);
    return norms().div_(before);
  }

  // What u is divided by so that it grows by 1% a step at most; remembers |u|.
  double limiter(size_t index, const at::Tensor& grad, const at::Tensor& factors, double grad_factor) {
    const int64_t along = grad.size(0) >= grad.size(1) ? 1 : 0;
    const at::Tensor channels = at::linalg_vector_norm(grad, 2, along).mul_(factors);
    const double norm = std::sqrt(kernels_.squared_norm(channels)) * grad_factor;
    const double last = slot(index, 3).item<float>();
    const double limit = last > 0 ? std::max(norm / (last + kLeast), kGrowth) / kGrowth : 1;
    slot(index, 3).fill_(norm / limit);
    return limit;
  }

  void update_matrix(size_t index, const Parameter& parameter, const OptimizerStep& now, const AdamWFields& fields) {
    if ((now.step - 1) % interval_ == 0) draw_projection(index, (now.step - 1) / interval_);
    const int64_t rows = parameter.grad.size(0), cols = parameter.grad.size(1);
    const at::Tensor scaling = factors(index, parameter.grad, now, fields);
    const double limit = limiter(index, parameter.grad, scaling, now.grad_factor);
    const double rate = rate_of(parameter, now), decay = rate * fields.weight_decay;
    const double step =
        rate * std::sqrt(bias_correction(fields.beta2, now.step)) / bias_correction(fields.beta1, now.step);
    const at::Tensor spread =
        by_channel_ ? scaling.view({rows >= cols ? rows : 1, rows >= cols ? 1 : cols}) : scaling.view({1, 1});
    const int64_t group = chunk_rows(rows, cols);
    for (int64_t begin = 0; begin < rows; begin += group) {
      const int64_t count = std::min(group, rows - begin);
      at::Tensor u = workspace(0, count * cols).view({count, cols});
      at::mul_out(u, parameter.grad.narrow(0, begin, count),
                  spread.size(0) > 1 ? spread.narrow(0, begin, count) : spread);
      ElementUpdate update = part_update(index, parameter, now, begin * cols, count * cols);
      update.grad = u.view({-1});
      update.grad_scale = now.grad_factor / limit;
      update.rule = PlainRule{.decay = static_cast<float>(decay),
                              .rate = static_cast<float>(step * std::sqrt(scale_) * (1 - decay)),
                              .limit = std::numeric_limits<float>::infinity()};
      kernels_.update(update);
    }
  }

  AdamWFields fields_;
  int64_t rank_, interval_;
  double scale_;
  bool by_channel_;
  uint64_t seed_;
};

const RegisterOptimizer registered("apollo", make_rule<Apollo>);

}  // namespace

}  // namespace collie
