// Softmax cross entropy of rows of logits, with the gradient written over them.
#pragma once

#include "engine/kernels/cpu/args.h"
#include "engine/kernels/cpu/variants/simd.h"

namespace collie::cpu::COLLIE_CPU_VARIANT {

template <class T>
COLLIE_INLINE float row_max(const T* x, int64_t n) {
  float lanes[kLanes];
  for (int l = 0; l < kLanes; ++l) lanes[l] = -3.4e38f;
  int64_t j = 0;
  for (; j + kLanes <= n; j += kLanes)
#pragma omp simd
    for (int l = 0; l < kLanes; ++l) {
      const float v = to_float(x[j + l]);
      lanes[l] = v > lanes[l] ? v : lanes[l];
    }
  float top = lanes[0];
  for (int l = 1; l < kLanes; ++l) top = lanes[l] > top ? lanes[l] : top;
  for (; j < n; ++j) top = to_float(x[j]) > top ? to_float(x[j]) : top;
  return top;
}

template <class T>
void cross_entropy(const CrossEntropyArgs& a, int64_t begin, int64_t end) {
  for (int64_t i = begin; i < end; ++i) {
    T* x = static_cast<T*>(a.logits) + i * a.logits_stride;
    const float target = to_float(x[a.targets[i]]);
    const float top = row_max(x, a.vocab);
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int64_t j = 0; j < a.vocab; ++j) sum += exp_fast(to_float(x[j]) - top);
    const float lse = top + __builtin_logf(sum);
    a.losses[i] = lse - target;
    if (a.correct) a.correct[i] = target >= top ? 1 : 0;
    if (a.grad_scale == 0.f) continue;
    const float scale = a.grad_scale;
#pragma omp simd
    for (int64_t j = 0; j < a.vocab; ++j) x[j] = from_float<T>(exp_fast(to_float(x[j]) - lse) * scale);
    x[a.targets[i]] = from_float<T>((exp_fast(target - lse) - 1.f) * scale);
  }
}

}  // namespace collie::cpu::COLLIE_CPU_VARIANT
