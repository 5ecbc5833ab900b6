// Activations, soft caps, LayerNorm and norms over heads.
#include <ATen/Parallel.h>

#include "engine/kernels/cpu/cpu_kernels.h"

namespace collie::cpu {
namespace {

constexpr int64_t kRowGrain = 8;

template <class F>
void over_rows(int64_t rows, const F& f) {
  at::parallel_for(0, rows, kRowGrain, f);
}

size_t index(const at::Tensor& t) { return static_cast<size_t>(storage_of(t)); }

}  // namespace

void CpuKernels::swiglu(const at::Tensor& gate_up, const at::Tensor& y, Activation activation) {
  TORCH_INTERNAL_ASSERT(gate_up.is_contiguous() && gate_up.size(1) == 2 * y.size(1));
  const SwigluArgs args{gate_up.mutable_data_ptr(), y.mutable_data_ptr(), y.stride(0), y.size(1)};
  const auto loop = table_.swiglu[static_cast<size_t>(activation)][index(y)];
  over_rows(y.size(0), [&](int64_t b, int64_t e) { loop(args, b, e); });
}

void CpuKernels::swiglu_backward(const at::Tensor& gate_up, const at::Tensor& dy, Activation activation) {
  TORCH_INTERNAL_ASSERT(gate_up.is_contiguous() && gate_up.size(1) == 2 * dy.size(1));
  const SwigluArgs args{gate_up.mutable_data_ptr(), dy.mutable_data_ptr(), dy.stride(0), dy.size(1)};
  const auto loop = table_.swiglu_backward[static_cast<size_t>(activation)][index(dy)];
  over_rows(dy.size(0), [&](int64_t b, int64_t e) { loop(args, b, e); });
}

void CpuKernels::activate(const at::Tensor& x, const at::Tensor& y, Activation activation) {
  TORCH_INTERNAL_ASSERT(x.is_contiguous() && x.size(1) == y.size(1));
  const ActivationArgs args{x.mutable_data_ptr(), y.mutable_data_ptr(), y.stride(0), y.size(1)};
  const auto loop = table_.activate[static_cast<size_t>(activation)][index(y)];
  over_rows(y.size(0), [&](int64_t b, int64_t e) { loop(args, b, e); });
}

void CpuKernels::activate_backward(const at::Tensor& x, const at::Tensor& dy, Activation activation) {
  TORCH_INTERNAL_ASSERT(x.is_contiguous() && x.size(1) == dy.size(1));
  const ActivationArgs args{x.mutable_data_ptr(), dy.mutable_data_ptr(), dy.stride(0), dy.size(1)};
  const auto loop = table_.activate_backward[static_cast<size_t>(activation)][index(dy)];
  over_rows(dy.size(0), [&](int64_t b, int64_t e) { loop(args, b, e); });
}

void CpuKernels::soft_cap(const at::Tensor& y, double cap) {
  const SoftCapArgs args{y.mutable_data_ptr(), nullptr, y.stride(0), 0, y.size(1), static_cast<float>(cap)};
  over_rows(y.size(0), [&](int64_t b, int64_t e) { table_.soft_cap[index(y)](args, b, e); });
}

void CpuKernels::soft_cap_backward(const at::Tensor& y, const at::Tensor& dx, double cap) {
  const SoftCapArgs args{y.mutable_data_ptr(),   dx.mutable_data_ptr(), y.stride(0), dx.stride(0), y.size(1),
                         static_cast<float>(cap)};
  over_rows(y.size(0), [&](int64_t b, int64_t e) { table_.soft_cap_backward[index(y)](args, b, e); });
}

void CpuKernels::layer_norm(const LayerNormForward& f) {
  TORCH_INTERNAL_ASSERT(f.x.is_contiguous() && (!f.residual.defined() || f.sum.is_contiguous()) &&
                        f.rstd.defined() == f.mean.defined());
  const bool adds = f.residual.defined(), keeps = f.rstd.defined();
  const LayerNormArgs args{.x = f.x.const_data_ptr(),
                           .residual = adds ? f.residual.const_data_ptr() : nullptr,
                           .sum_out = adds ? f.sum.mutable_data_ptr() : nullptr,
                           .weight = f.weight.const_data_ptr(),
                           .bias = f.bias.defined() ? f.bias.const_data_ptr<float>() : nullptr,
                           .y = f.y.mutable_data_ptr(),
                           .rstd = keeps ? f.rstd.mutable_data_ptr<float>() : nullptr,
                           .mean = keeps ? f.mean.mutable_data_ptr<float>() : nullptr,
                           .residual_stride = adds ? f.residual.stride(0) : 0,
                           .y_stride = f.y.stride(0),
                           .dim = f.x.size(1),
                           .eps = static_cast<float>(f.eps),
                           .offset = static_cast<float>(f.offset)};
  over_rows(f.x.size(0), [&](int64_t b, int64_t e) { table_.layer_norm[index(f.x)](args, b, e); });
}

void CpuKernels::layer_norm_backward(const LayerNormBackward& b) {
  const LayerNormBackwardArgs args{.x = b.x.const_data_ptr(),
                                   .weight = b.weight.const_data_ptr(),
                                   .dy = b.dy.const_data_ptr(),
                                   .rstd = b.rstd.const_data_ptr<float>(),
                                   .mean = b.mean.const_data_ptr<float>(),
                                   .dx = b.dx.defined() ? b.dx.mutable_data_ptr() : nullptr,
                                   .dweight = b.dweight.defined() ? b.dweight.mutable_data_ptr<float>() : nullptr,
                                   .dy_stride = b.dy.stride(0),
                                   .dim = b.x.size(1),
                                   .rows = b.x.size(0),
                                   .offset = static_cast<float>(b.offset)};
  if (args.dx) over_rows(args.rows, [&](int64_t s, int64_t e) { table_.layer_norm_backward[index(b.x)](args, s, e); });
  if (args.dweight)
    at::parallel_for(0, args.dim, 64,
                     [&](int64_t s, int64_t e) { table_.layer_norm_weight_backward[index(b.x)](args, s, e); });
}

void CpuKernels::group_norm(const GroupNormForward& f) {
  const GroupNormArgs args{.x = f.x.const_data_ptr(),
                           .weight = f.weight.const_data_ptr(),
                           .y = f.y.mutable_data_ptr(),
                           .rstd = f.rstd.mutable_data_ptr<float>(),
                           .dweight = nullptr,
                           .x_stride = f.x.stride(0),
                           .y_stride = f.y.stride(0),
                           .rstd_stride = f.rstd.stride(0),
                           .groups = f.x.size(1) / f.weight.numel(),
                           .dim = f.weight.numel(),
                           .rows = f.x.size(0),
                           .eps = static_cast<float>(f.eps),
                           .offset = static_cast<float>(f.offset)};
  over_rows(args.rows, [&](int64_t b, int64_t e) { table_.group_norm[index(f.x)](args, b, e); });
}

void CpuKernels::group_norm_backward(const GroupNormBackward& b) {
  const GroupNormArgs args{.x = b.x.const_data_ptr(),
                           .weight = b.weight.const_data_ptr(),
                           .y = b.dy.mutable_data_ptr(),
                           .rstd = b.rstd.mutable_data_ptr<float>(),
                           .dweight = b.dweight.defined() ? b.dweight.mutable_data_ptr<float>() : nullptr,
                           .x_stride = b.x.stride(0),
                           .y_stride = b.dy.stride(0),
                           .rstd_stride = b.rstd.stride(0),
                           .groups = b.x.size(1) / b.weight.numel(),
                           .dim = b.weight.numel(),
                           .rows = b.x.size(0),
                           .eps = 0,
                           .offset = static_cast<float>(b.offset)};
  if (args.dweight)
    at::parallel_for(0, args.dim, 64,
                     [&](int64_t s, int64_t e) { table_.group_norm_weight_backward[index(b.x)](args, s, e); });
  over_rows(args.rows, [&](int64_t s, int64_t e) { table_.group_norm_backward[index(b.x)](args, s, e); });
}

}  // namespace collie::cpu
