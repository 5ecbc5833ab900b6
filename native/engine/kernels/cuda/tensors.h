// From tensors to the arguments of launch.h.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAStream.h>

#include "engine/kernels/cuda/launch.h"

namespace collie::cuda {

inline Storage storage_of(const at::Tensor& t) {
  TORCH_INTERNAL_ASSERT(t.is_cuda() && (t.scalar_type() == at::kFloat || t.scalar_type() == at::kBFloat16));
  return t.scalar_type() == at::kFloat ? Storage::f32 : Storage::bf16;
}

// Null for an undefined tensor.
inline void* data(const at::Tensor& t) { return t.defined() ? t.data_ptr() : nullptr; }
template <class T>
T* data_as(const at::Tensor& t) {
  return t.defined() ? t.data_ptr<T>() : nullptr;
}
inline int64_t row_stride(const at::Tensor& t) { return t.defined() ? t.stride(0) : 0; }

inline cudaStream_t stream_of(const at::Tensor& t) { return c10::cuda::getCurrentCUDAStream(t.device().index()); }

inline void check_launch() { C10_CUDA_CHECK(cudaGetLastError()); }

}  // namespace collie::cuda
