#include "engine/optim/factored.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/mean.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/rsqrt.h>
#include <ATen/ops/sum.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace collie {

namespace {

// Elements, or rows and columns, of the whole tensor.
double whole_size(const Parameter& p, int64_t dim) {
  const Slice& slice = p.placement.slice;
  return static_cast<double>(slice.dim == dim ? slice.whole : p.master.size(dim));
}

double whole_numel(const Parameter& p) {
  double n = 1;
  for (int64_t dim = 0; dim < p.master.dim(); ++dim) n *= whole_size(p, dim);
  return n;
}

bool split(const Parameter& p, int64_t dim) { return p.placement.slice.dim == dim; }

// Sums over all parts of a tensor, from those of this rank's.
at::Tensor over_parts(const Parameter& p, at::Tensor sums) {
  if (p.placement.counted == Counted::no) sums.zero_();
  p.tp->all_reduce(sums);
  return sums;
}

double over_parts(const Parameter& p, double sum) {
  if (!p.tp) return sum;
  if (p.placement.counted == Counted::no) sum = 0;
  p.tp->all_reduce(std::span(&sum, 1));
  return sum;
}

// Place of statistics along a dim of a parameter.
Slice along(const Parameter& p, int64_t dim) {
  return split(p, dim) ? Slice{0, p.placement.slice.range, p.placement.slice.whole} : Slice{};
}

}  // namespace

FactoredRule::FactoredRule(const OptimizerSpec& spec, std::span<const Parameter> parameters, Kernels& kernels)
    : RuleBase(parameters, kernels) {
  for (size_t i = 0; i < parameters.size(); ++i) {
    const Parameter& p = parameters[i];
    if (p.master.dim() == 2) {
      add_state(i, "row_squares", {p.master.size(0)}, at::kFloat, along(p, 0));
      add_state(i, "col_squares", {p.master.size(1)}, at::kFloat, along(p, 1));
    } else {
      add_state(i, "squares", p.master.sizes(), at::kFloat, p.placement.slice);
    }
  }
  reserve_workspace(spec, parameters);
}

void FactoredRule::over_rows(const at::Tensor& weight, const std::function<void(const Rows&)>& work) const {
  const int64_t rows = weight.dim() == 2 ? weight.size(0) : 1,
                cols = weight.dim() == 2 ? weight.size(1) : weight.numel();
  const int64_t step = chunk_rows(rows, cols);
  for (int64_t begin = 0; begin < rows; begin += step) work({begin, std::min(step, rows - begin), cols});
}

// R and C, or V, with this gradient.
void FactoredRule::moments(size_t index, const Parameter& parameter, double factor, const FactoredStep& step) {
  const double add = 1 - step.keep;
  const bool matrix = parameter.grad.dim() == 2;
  at::Tensor columns,
      rows = split(parameter, 1) ? at::empty({parameter.grad.size(0)}, parameter.grad.options()) : at::Tensor();
  over_rows(parameter.grad, [&](const Rows& r) {
    const at::Tensor grad = parameter.grad.view({-1, r.cols}).narrow(0, r.begin, r.count);
    at::Tensor square = workspace(0, r.count * r.cols).view({r.count, r.cols});
    at::mul_out(square, grad, grad);
    square.mul_(factor * factor).add_(step.add_square);
    if (!matrix) {
      slot(index, 0).view({1, -1}).mul_(step.keep).add_(square, add);
      return;
    }
    if (rows.defined())
      rows.narrow(0, r.begin, r.count).copy_(square.sum(1));
    else
      slot(index, 0).narrow(0, r.begin, r.count).mul_(step.keep).add_(square.mean(1), add);
    const at::Tensor sums = square.sum(0);
    columns = columns.defined() ? columns.add_(sums) : sums;
  });
  if (!matrix) return;
  if (rows.defined()) slot(index, 0).mul_(step.keep).add_(over_parts(parameter, rows), add / whole_size(parameter, 1));
  if (split(parameter, 0)) columns = over_parts(parameter, columns);
  slot(index, 1).mul_(step.keep).add_(columns, add / whole_size(parameter, 0));
}

at::Tensor FactoredRule::mean_of_rows(size_t index, const Parameter& parameter, const FactoredStep& step) const {
  if (parameter.grad.dim() != 2) return {};
  at::Tensor mean = split(parameter, 0) ? over_parts(parameter, slot(index, 0).sum()).div_(whole_size(parameter, 0))
                                        : slot(index, 0).mean();
  return step.least_mean > 0 ? mean.clamp_min_(step.least_mean) : mean;
}

// The gradient of these rows over the root of its moments, in the workspace.
at::Tensor FactoredRule::direction(size_t index, const Parameter& parameter, double factor, const FactoredStep& step,
                                   const at::Tensor& mean, const Rows& r) const {
  const at::Tensor grad = parameter.grad.view({-1, r.cols}).narrow(0, r.begin, r.count);
  at::Tensor out = workspace(0, r.count * r.cols).view({r.count, r.cols});
  if (parameter.grad.dim() == 2) {
    const at::Tensor rows = slot(index, 0).narrow(0, r.begin, r.count).div(mean).view({r.count, 1}),
                     cols = slot(index, 1).view({1, r.cols});
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
  const at::Tensor mean = mean_of_rows(index, parameter, step);
  double squares = 0;
  over_rows(parameter.master, [&](const Rows& r) {
    squares += kernels_.squared_norm(direction(index, parameter, now.grad_factor, step, mean, r));
  });
  const double rms = std::sqrt(over_parts(parameter, squares) / whole_numel(parameter));
  PlainRule last;
  last.decay = static_cast<float>(step.decay);
  last.rate = static_cast<float>(step.rate / std::max(1.0, rms / step.threshold));
  last.limit = std::numeric_limits<float>::infinity();
  over_rows(parameter.master, [&](const Rows& r) {
    ElementUpdate update = part_update(index, parameter, now, r.begin * r.cols, r.count * r.cols);
    update.grad = direction(index, parameter, now.grad_factor, step, mean, r).view({-1});
    update.grad_scale = 1;
    update.rule = last;
    kernels_.update(update);
  });
}

double FactoredRule::rms_of(const Parameter& parameter) const {
  const at::Tensor& weight = parameter.master;
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
  return std::sqrt(over_parts(parameter, squares) / whole_numel(parameter));
}

}  // namespace collie
