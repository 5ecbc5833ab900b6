// Activations, soft caps, LayerNorm and norms over heads, on the GPU.
#include <ATen/ops/empty.h>

#include "engine/kernels/cuda/cuda_kernels.h"
#include "engine/kernels/cuda/tensors.h"

namespace collie::cuda {
namespace {

GatedArgs gated_args(const at::Tensor& gate_up, const at::Tensor& y, Activation activation) {
  return {storage_of(y), data(gate_up),       data(y),   row_stride(gate_up), row_stride(y),
          y.size(0),     gate_up.size(1) / 2, activation};
}

ActivationArgs activation_args(const at::Tensor& x, const at::Tensor& y, Activation activation) {
  return {storage_of(y), data(x), data(y), row_stride(x), row_stride(y), y.size(0), y.size(1), activation};
}

}  // namespace

void CudaKernels::activate(const at::Tensor& x, const at::Tensor& y, Activation activation) {
  run_on(y, [&](cudaStream_t stream) { cuda::activate(activation_args(x, y, activation), stream); });
}

void CudaKernels::activate_backward(const at::Tensor& x, const at::Tensor& dy, Activation activation) {
  run_on(dy, [&](cudaStream_t stream) { cuda::activate_backward(activation_args(x, dy, activation), stream); });
}

void CudaKernels::swiglu(const at::Tensor& gate_up, const at::Tensor& y, Activation activation) {
  run_on(y, [&](cudaStream_t stream) { gated(gated_args(gate_up, y, activation), stream); });
}

void CudaKernels::swiglu_backward(const at::Tensor& gate_up, const at::Tensor& dy, Activation activation) {
  run_on(dy, [&](cudaStream_t stream) { gated_backward(gated_args(gate_up, dy, activation), stream); });
}

void CudaKernels::soft_cap(const at::Tensor& y, double cap) {
  const SoftCapArgs args{storage_of(y),          data(y), nullptr, row_stride(y), 0, y.size(0), y.size(1),
                         static_cast<float>(cap)};
  run_on(y, [&](cudaStream_t stream) { cuda::soft_cap(args, stream); });
}

void CudaKernels::soft_cap_backward(const at::Tensor& y, const at::Tensor& dx, double cap) {
  const SoftCapArgs args{storage_of(y),  data(y),   data(dx),  row_stride(y),
                         row_stride(dx), y.size(0), y.size(1), static_cast<float>(cap)};
  run_on(y, [&](cudaStream_t stream) { cuda::soft_cap_backward(args, stream); });
}

void CudaKernels::layer_norm(const LayerNormForward& f) {
  const LayerNormArgs args{storage_of(f.x),
                           data(f.x),
                           data(f.residual),
                           data(f.sum),
                           data(f.weight),
                           data_as<float>(f.bias),
                           data(f.y),
                           data_as<float>(f.rstd),
                           data_as<float>(f.mean),
                           row_stride(f.x),
                           row_stride(f.residual),
                           row_stride(f.sum),
                           row_stride(f.y),
                           f.x.size(0),
                           f.x.size(1),
                           static_cast<float>(f.eps),
                           static_cast<float>(f.offset)};
  run_on(f.x, [&](cudaStream_t stream) { cuda::layer_norm(args, stream); });
}

void CudaKernels::layer_norm_backward(const LayerNormBackward& b) {
  if (b.dweight.defined()) reserve_norm_partial(b.x, b.x.size(1));
  const LayerNormBackwardArgs args{storage_of(b.x),
                                   data(b.x),
                                   data(b.weight),
                                   data(b.dy),
                                   data_as<float>(b.rstd),
                                   data_as<float>(b.mean),
                                   data(b.dx),
                                   data_as<float>(b.dweight),
                                   data_as<float>(norm_partial_),
                                   row_stride(b.x),
                                   row_stride(b.dy),
                                   row_stride(b.dx),
                                   b.x.size(0),
                                   b.x.size(1),
                                   static_cast<float>(b.offset)};
  run_on(b.x, [&](cudaStream_t stream) { cuda::layer_norm_backward(args, stream); });
}

// Of a weight's gradient, before it is summed.
void CudaKernels::reserve_norm_partial(const at::Tensor& like, int64_t dim) {
  if (!norm_partial_.defined() || norm_partial_.numel() < kNormPartials * dim)
    norm_partial_ = at::empty({kNormPartials * dim}, like.options().dtype(at::kFloat));
}

void CudaKernels::group_norm(const GroupNormForward& f) {
  const int64_t dim = f.weight.numel();
  const GroupNormArgs args{storage_of(f.x),
                           data(f.x),
                           data(f.weight),
                           data(f.y),
                           data_as<float>(f.rstd),
                           nullptr,
                           nullptr,
                           row_stride(f.x),
                           row_stride(f.y),
                           row_stride(f.rstd),
                           f.x.size(0),
                           f.x.size(1) / dim,
                           dim,
                           static_cast<float>(f.eps),
                           static_cast<float>(f.offset)};
  run_on(f.x, [&](cudaStream_t stream) { cuda::group_norm(args, stream); });
}

void CudaKernels::group_norm_backward(const GroupNormBackward& b) {
  const int64_t dim = b.weight.numel();
  if (b.dweight.defined()) reserve_norm_partial(b.x, dim);
  const GroupNormArgs args{storage_of(b.x),
                           data(b.x),
                           data(b.weight),
                           data(b.dy),
                           data_as<float>(b.rstd),
                           data_as<float>(b.dweight),
                           data_as<float>(norm_partial_),
                           row_stride(b.x),
                           row_stride(b.dy),
                           row_stride(b.rstd),
                           b.x.size(0),
                           b.x.size(1) / dim,
                           dim,
                           0,
                           static_cast<float>(b.offset)};
  run_on(b.x, [&](cudaStream_t stream) { cuda::group_norm_backward(args, stream); });
}

}  // namespace collie::cuda
