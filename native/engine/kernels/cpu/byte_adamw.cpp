// AdamW on moments in bytes: as many blocks at a time as the workspace has room for, the rest of the tensor last.
#include <ATen/ops/abs.h>
#include <ATen/ops/bucketize.h>
#include <ATen/ops/div.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/sqrt.h>

#include <algorithm>
#include <limits>

#include "engine/kernels/cpu/cpu_kernels.h"

namespace collie::cpu {
namespace {

// Blocks worked on at once, all of one size.
struct Blocks {
  int64_t begin, count, first_block, size;
  int64_t elements() const { return count * size; }
};

at::Tensor codes_of(const ByteMoment& moment, const Blocks& b) {
  return moment.codes.view({-1}).narrow(0, b.begin, b.elements());
}
at::Tensor scales_of(const ByteMoment& moment, const Blocks& b) {
  return moment.scales.narrow(0, b.first_block, b.count);
}

void load(const ByteMoment& moment, const Blocks& b, const at::Tensor& codes, at::Tensor values) {
  codes.copy_(codes_of(moment, b));
  at::index_select_out(values, moment.map, 0, codes);
  values.view({b.count, b.size}).mul_(scales_of(moment, b).unsqueeze(1));
}

void store(const ByteMoment& moment, const Blocks& b, const at::Tensor& values, at::Tensor other, at::Tensor codes) {
  at::abs_out(other, values);
  const at::Tensor scales = scales_of(moment, b);
  scales.copy_(other.view({b.count, b.size}).amax(1));
  at::Tensor shares = other.view({b.count, b.size});
  // A block of zeros has no scale: its shares are 0, not 0 / 0.
  at::div_out(shares, values.view({b.count, b.size}), scales.clamp_min(std::numeric_limits<float>::min()).unsqueeze(1));
  at::bucketize_out(codes, other, moment.borders, /*out_int32=*/true, /*right=*/false);
  codes_of(moment, b).copy_(codes);
}

}  // namespace

void CpuKernels::update(const ByteAdamW& u) {
  const auto update_blocks = [&](const Blocks& b) {
    const int64_t n = b.elements();
    const auto part = [&](int64_t place) { return u.workspace.narrow(0, place * n, n); };
    const at::Tensor m = part(0), v = part(1), other = part(2), codes = part(3).view(at::kInt);
    load(u.m, b, codes, m);
    load(u.v, b, codes, v);
    ElementUpdate last;
    last.weight = u.weight.view({-1}).narrow(0, b.begin, n);
    other.copy_(u.grad.view({-1}).narrow(0, b.begin, n)).mul_(u.grad_scale);
    m.mul_(u.beta1).add_(other, 1 - u.beta1);
    v.mul_(u.beta2).addcmul_(other, other, 1 - u.beta2);
    at::Tensor step = other;
    at::sqrt_out(step, v).div_(u.root).add_(u.eps);
    at::div_out(step, m, step);
    last.grad = step;
    last.rounding_key = u.rounding_key;
    last.first_element = b.begin;
    last.rule = PlainRule{.decay = static_cast<float>(u.decay),
                          .rate = static_cast<float>(u.rate),
                          .limit = std::numeric_limits<float>::infinity()};
    update(last);
    store(u.m, b, m, other, codes);
    store(u.v, b, v, other, codes);
  };
  constexpr int64_t kBlock = kByteMomentBlock;
  const int64_t all = u.weight.numel(), whole = all / kBlock, at_once = u.workspace.numel() / (4 * kBlock);
  for (int64_t block = 0; block < whole; block += at_once)
    update_blocks({block * kBlock, std::min(at_once, whole - block), block, kBlock});
  if (all % kBlock != 0) update_blocks({whole * kBlock, 1, whole, all % kBlock});
}

}  // namespace collie::cpu
