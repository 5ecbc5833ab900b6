// Gated activations, soft caps and norms over heads, on the GPU.
#include <ATen/ops/empty.h>

#include "engine/kernels/cuda/cuda_kernels.h"
#include "engine/kernels/cuda/tensors.h"

namespace collie::cuda {
namespace {

GatedArgs gated_args(const at::Tensor& gate_up, const at::Tensor& y, Activation activation) {
  return {storage_of(y), data(gate_up), data(y), row_stride(gate_up), row_stride(y), y.size(0), gate_up.size(1) / 2, activation};
}

}  // namespace

void CudaKernels::swiglu(const at::Tensor& gate_up, const at::Tensor& y, Activation activation) {
  run_on(y, [&](cudaStream_t stream) { gated(gated_args(gate_up, y, activation), stream); });
}

void CudaKernels::swiglu_backward(const at::Tensor& gate_up, const at::Tensor& dy, Activation activation) {
  run_on(dy, [&](cudaStream_t stream) { gated_backward(gated_args(gate_up, dy, activation), stream); });
}

void CudaKernels::soft_cap(const at::Tensor& y, double cap) {
  const SoftCapArgs args{storage_of(y), data(y), nullptr, row_stride(y), 0, y.size(0), y.size(1), static_cast<float>(cap)};
  run_on(y, [&](cudaStream_t stream) { cuda::soft_cap(args, stream); });
}

void CudaKernels::soft_cap_backward(const at::Tensor& y, const at::Tensor& dx, double cap) {
  const SoftCapArgs args{storage_of(y), data(y), data(dx), row_stride(y), row_stride(dx), y.size(0), y.size(1), static_cast<float>(cap)};
  run_on(y, [&](cudaStream_t stream) { cuda::soft_cap_backward(args, stream); });
}

void CudaKernels::group_norm(const GroupNormForward& f) {
  const int64_t dim = f.weight.numel();
  const GroupNormArgs args{storage_of(f.x), data(f.x), data(f.weight), data(f.y), data_as<float>(f.rstd), nullptr, nullptr,
                           row_stride(f.x), row_stride(f.y), row_stride(f.rstd), f.x.size(0), f.x.size(1) / dim, dim,
                           static_cast<float>(f.eps), static_cast<float>(f.offset)};
  run_on(f.x, [&](cudaStream_t stream) { cuda::group_norm(args, stream); });
}

void CudaKernels::group_norm_backward(const GroupNormBackward& b) {
  const int64_t dim = b.weight.numel();
  if (b.dweight.defined() && (!norm_partial_.defined() || norm_partial_.numel() < kNormPartials * dim))
    norm_partial_ = at::empty({kNormPartials * dim}, b.x.options().dtype(at::kFloat));
  const GroupNormArgs args{storage_of(b.x), data(b.x), data(b.weight), data(b.dy), data_as<float>(b.rstd), data_as<float>(b.dweight),
                           data_as<float>(norm_partial_), row_stride(b.x), row_stride(b.dy), row_stride(b.rstd), b.x.size(0),
                           b.x.size(1) / dim, dim, 0, static_cast<float>(b.offset)};
  run_on(b.x, [&](cudaStream_t stream) { cuda::group_norm_backward(args, stream); });
}

}  // namespace collie::cuda
