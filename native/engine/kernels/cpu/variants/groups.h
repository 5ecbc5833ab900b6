// RMS norms over groups of columns: heads of queries and keys.
#pragma once

#include "engine/kernels/cpu/args.h"
#include "engine/kernels/cpu/variants/simd.h"

namespace collie::cpu::COLLIE_CPU_VARIANT {

template <class T>
void group_norm(const GroupNormArgs& a, int64_t begin, int64_t end) {
  const T* weight = static_cast<const T*>(a.weight);
  for (int64_t i = begin; i < end; ++i)
    for (int64_t g = 0; g < a.groups; ++g) {
      const T* x = static_cast<const T*>(a.x) + i * a.x_stride + g * a.dim;
      T* y = static_cast<T*>(a.y) + i * a.y_stride + g * a.dim;
      float square = 0;
#pragma omp simd reduction(+ : square)
      for (int64_t j = 0; j < a.dim; ++j) square += to_float(x[j]) * to_float(x[j]);
      const float rstd = 1.f / __builtin_sqrtf(square / static_cast<float>(a.dim) + a.eps);
      a.rstd[i * a.rstd_stride + g] = rstd;
#pragma omp simd
      for (int64_t j = 0; j < a.dim; ++j)
        y[j] = from_float<T>(to_float(x[j]) * rstd * (a.offset + to_float(weight[j])));
    }
}

// dy becomes dx = rstd (g - x rstd^2 mean(g x)), g = dy (offset + weight).
template <class T>
void group_norm_backward(const GroupNormArgs& a, int64_t begin, int64_t end) {
  const T* weight = static_cast<const T*>(a.weight);
  for (int64_t i = begin; i < end; ++i)
    for (int64_t g = 0; g < a.groups; ++g) {
      const T* x = static_cast<const T*>(a.x) + i * a.x_stride + g * a.dim;
      T* dy = static_cast<T*>(a.y) + i * a.y_stride + g * a.dim;
      float dot = 0;
#pragma omp simd reduction(+ : dot)
      for (int64_t j = 0; j < a.dim; ++j) dot += to_float(dy[j]) * (a.offset + to_float(weight[j])) * to_float(x[j]);
      const float rstd = a.rstd[i * a.rstd_stride + g], k = dot * rstd * rstd * rstd / static_cast<float>(a.dim);
#pragma omp simd
      for (int64_t j = 0; j < a.dim; ++j)
        dy[j] = from_float<T>(to_float(dy[j]) * (a.offset + to_float(weight[j])) * rstd - to_float(x[j]) * k);
    }
}

// dweight += sum over rows and groups of dy x rstd, for a range of columns: the order of the sum never depends on threads.
template <class T>
void group_norm_weight_backward(const GroupNormArgs& a, int64_t begin, int64_t end) {
  for (int64_t i = 0; i < a.rows; ++i)
    for (int64_t g = 0; g < a.groups; ++g) {
      const T* x = static_cast<const T*>(a.x) + i * a.x_stride + g * a.dim;
      const T* dy = static_cast<const T*>(a.y) + i * a.y_stride + g * a.dim;
      const float rstd = a.rstd[i * a.rstd_stride + g];
      float* out = a.dweight;
#pragma omp simd
      for (int64_t j = begin; j < end; ++j) out[j] += to_float(dy[j]) * to_float(x[j]) * rstd;
    }
}

}  // namespace collie::cpu::COLLIE_CPU_VARIANT
