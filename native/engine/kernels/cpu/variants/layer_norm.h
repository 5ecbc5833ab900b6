// LayerNorm (Ba, Kiros and Hinton 2016, arXiv 1607.06450) of rows.
#pragma once

#include "engine/kernels/cpu/args.h"
#include "engine/kernels/cpu/variants/simd.h"

namespace collie::cpu::COLLIE_CPU_VARIANT {

// Mean first, then squares around it: no difference of large sums. The norm sees x + residual as it is stored.
template <class T>
void layer_norm(const LayerNormArgs& a, int64_t begin, int64_t end) {
  const T* weight = static_cast<const T*>(a.weight);
  const float width = static_cast<float>(a.dim);
  for (int64_t i = begin; i < end; ++i) {
    const T* x = static_cast<const T*>(a.x) + i * a.dim;
    if (a.residual) {
      const T* r = static_cast<const T*>(a.residual) + i * a.residual_stride;
      T* sum = static_cast<T*>(a.sum_out) + i * a.dim;
#pragma omp simd
      for (int64_t j = 0; j < a.dim; ++j) sum[j] = from_float<T>(to_float(x[j]) + to_float(r[j]));
      x = sum;
    }
    float total = 0, square = 0;
#pragma omp simd reduction(+ : total)
    for (int64_t j = 0; j < a.dim; ++j) total += to_float(x[j]);
    const float mean = total / width;
#pragma omp simd reduction(+ : square)
    for (int64_t j = 0; j < a.dim; ++j) square += (to_float(x[j]) - mean) * (to_float(x[j]) - mean);
    const float rstd = 1.f / __builtin_sqrtf(square / width + a.eps);
    if (a.rstd) {
      a.rstd[i] = rstd;
      a.mean[i] = mean;
    }
    T* y = static_cast<T*>(a.y) + i * a.y_stride;
    if (a.bias) {
#pragma omp simd
      for (int64_t j = 0; j < a.dim; ++j)
        y[j] = from_float<T>((to_float(x[j]) - mean) * rstd * (a.offset + to_float(weight[j])) + a.bias[j]);
    } else {
#pragma omp simd
      for (int64_t j = 0; j < a.dim; ++j)
        y[j] = from_float<T>((to_float(x[j]) - mean) * rstd * (a.offset + to_float(weight[j])));
    }
  }
}

// dx += rstd (g - mean(g) - c rstd^2 mean(g c)), g = dy weight, c = x - mean.
template <class T>
void layer_norm_backward(const LayerNormBackwardArgs& a, int64_t begin, int64_t end) {
  const T* weight = static_cast<const T*>(a.weight);
  const float width = static_cast<float>(a.dim);
  for (int64_t i = begin; i < end; ++i) {
    const T* x = static_cast<const T*>(a.x) + i * a.dim;
    const T* dy = static_cast<const T*>(a.dy) + i * a.dy_stride;
    T* dx = static_cast<T*>(a.dx) + i * a.dim;
    const float mean = a.mean[i], rstd = a.rstd[i];
    float total = 0, dot = 0;
#pragma omp simd reduction(+ : total, dot)
    for (int64_t j = 0; j < a.dim; ++j) {
      const float g = to_float(dy[j]) * (a.offset + to_float(weight[j]));
      total += g;
      dot += g * (to_float(x[j]) - mean);
    }
    const float shift = total / width, k = dot * rstd * rstd * rstd / width;
#pragma omp simd
    for (int64_t j = 0; j < a.dim; ++j) {
      const float g = to_float(dy[j]) * (a.offset + to_float(weight[j]));
      dx[j] = from_float<T>(to_float(dx[j]) + (g - shift) * rstd - (to_float(x[j]) - mean) * k);
    }
  }
}

// dweight += sum over rows of dy (x - mean) rstd, for a range of columns.
template <class T>
void layer_norm_weight_backward(const LayerNormBackwardArgs& a, int64_t begin, int64_t end) {
  for (int64_t i = 0; i < a.rows; ++i) {
    const T* x = static_cast<const T*>(a.x) + i * a.dim;
    const T* dy = static_cast<const T*>(a.dy) + i * a.dy_stride;
    const float mean = a.mean[i], rstd = a.rstd[i];
    float* out = a.dweight;
#pragma omp simd
    for (int64_t j = begin; j < end; ++j) out[j] += to_float(dy[j]) * (to_float(x[j]) - mean) * rstd;
  }
}

}  // namespace collie::cpu::COLLIE_CPU_VARIANT
