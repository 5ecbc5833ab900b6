// From tensors to the arguments of launch.h.
#pragma once

#include <ATen/core/Tensor.h>

#include "engine/kernels/cuda/launch.h"
#include "engine/kernels/cuda/library.h"

namespace collie::cuda {

inline Storage storage_of(const at::Tensor& t) {
  TORCH_INTERNAL_ASSERT(on_device(t) && (t.scalar_type() == at::kFloat || t.scalar_type() == at::kBFloat16));
  return t.scalar_type() == at::kFloat ? Storage::f32 : Storage::bf16;
}

// Null for an undefined tensor.
inline void* data(const at::Tensor& t) { return t.defined() ? t.data_ptr() : nullptr; }
template <class T>
T* data_as(const at::Tensor& t) {
  return t.defined() ? t.data_ptr<T>() : nullptr;
}
inline int64_t row_stride(const at::Tensor& t) { return t.defined() ? t.stride(0) : 0; }

}  // namespace collie::cuda
