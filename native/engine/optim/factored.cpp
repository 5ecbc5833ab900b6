#include "engine/optim/factored.h"

#include <ATen/ops/mean.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/rsqrt.h>
#include <ATen/ops/sum.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace collie {

FactoredRule::FactoredRule(const OptimizerSpec& spec, std::span<const Parameter> parameters, Kernels& kernels)
    : RuleBase(parameters, kernels) {
  for (size_t i = 0; i < parameters.size(); ++i) {
    const at::Tensor& weight = parameters[i].master;
    if (weight.dim() == 2) {
      add_state(i, "row_squares", {weight.size(0)});
      add_state(i, "col_squares", {weight.size(1)});
    } else {
      add_state(i, "squares", weight.sizes());
    }
  }
  reserve_workspace(spec, parameters);
}

void FactoredRule::over_rows(const at::Tensor& weight, const std::function<void(const Rows&)>& work) const {
  const int64_t rows = weight.dim() == 2 ? weight.size(0) : 1, cols = weight.dim() == 2 ? weight.size(1) : weight.numel();
  const int64_t step = chunk_rows(rows, cols);
  for (int64_t begin = 0; begin < rows; begin += step) work({begin, std::min(step, rows - begin), cols});
}

// R and C, or V, with this gradient.
void FactoredRule::moments(size_t index, const Parameter& parameter, double factor, const FactoredStep& step) {
  const double add = 1 - step.keep;
  const bool matrix = parameter.grad.dim() == 2;
  at::Tensor columns;
  over_rows(parameter.grad, [&](const Rows& r) {
    const at::Tensor grad = parameter.grad.view({-1, r.cols}).narrow(0, r.begin, r.count);
    at::Tensor square = workspace(0, r.count * r.cols).view({r.count, r.cols});
    at::mul_out(square, grad, grad);
    square.mul_(factor * factor).add_(step.add_square);
    if (!matrix) {
      slot(index, 0).view({1, -1}).mul_(step.keep).add_(square, add);
      return;
    }
    slot(index, 0).narrow(0, r.begin, r.count).mul_(step.keep).add_(square.mean(1), add);
    const at::Tensor sums = square.sum(0);
    columns = columns.defined() ? columns.add_(sums) : sums;
  });
  if (matrix) slot(index, 1).mul_(step.keep).add_(columns, add / static_cast<double>(parameter.grad.size(0)));
}

// The gradient of these rows over the root of its moments, in the workspace.
at::Tensor FactoredRule::direction(size_t index, const Parameter& parameter, double factor, const FactoredStep& step,
                                   const Rows& r) const {
  const at::Tensor grad = parameter.grad.view({-1, r.cols}).narrow(0, r.begin, r.count);
  at::Tensor out = workspace(0, r.count * r.cols).view({r.count, r.cols});
  if (parameter.grad.dim() == 2) {
    const at::Tensor& all_rows = slot(index, 0);
    at::Tensor mean = all_rows.mean();
    if (step.least_mean > 0) mean.clamp_min_(step.least_mean);
    const at::Tensor rows = all_rows.narrow(0, r.begin, r.count).div(mean).view({r.count, 1}), cols = slot(index, 1).view({1, r.cols});
    // Where small products are raised, the product itself must be formed; elsewhere the roots are taken first, because the
    // product of two small means is zero in fp32.
    if (step.least_moment > 0)
      at::mul_out(out, rows, cols).clamp_min_(step.least_moment).rsqrt_();
    else
      at::mul_out(out, rows.rsqrt(), cols.rsqrt());
  } else {
    out.copy_(slot(index, 0).view({1, -1})).clamp_min_(step.least_moment).rsqrt_();
  }
  return out.mul_(grad).mul_(factor);
}

void FactoredRule::apply(size_t index, const Parameter& parameter, const OptimizerStep& now, const FactoredStep& step) {
  moments(index, parameter, now.grad_factor, step);
  double squares = 0;
  over_rows(parameter.master, [&](const Rows& r) {
    squares += kernels_.squared_norm(direction(index, parameter, now.grad_factor, step, r));
  });
  const double rms = std::sqrt(squares / static_cast<double>(parameter.master.numel()));
  PlainRule last;
  last.decay = static_cast<float>(step.decay);
  last.rate = static_cast<float>(step.rate / std::max(1.0, rms / step.threshold));
  last.limit = std::numeric_limits<float>::infinity();
  over_rows(parameter.master, [&](const Rows& r) {
    ElementUpdate update = part_update(index, parameter, now, r.begin * r.cols, r.count * r.cols);
    update.grad = direction(index, parameter, now.grad_factor, step, r).view({-1});
    update.grad_scale = 1;
    update.rule = last;
    kernels_.update(update);
  });
}

double FactoredRule::rms_of(const at::Tensor& weight) const {
  double squares = 0;
  if (weight.scalar_type() == at::kFloat) {
    squares = kernels_.squared_norm(weight);
  } else {
    over_rows(weight, [&](const Rows& r) {
      const at::Tensor wide = workspace(0, r.count * r.cols);
      kernels_.copy(weight.view({-1}).narrow(0, r.begin * r.cols, r.count * r.cols), wide);
      squares += kernels_.squared_norm(wide);
    });
  }
  return std::sqrt(squares / static_cast<double>(weight.numel()));
}

}  // namespace collie
