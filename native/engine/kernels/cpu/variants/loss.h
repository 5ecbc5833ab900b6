// Softmax cross entropy of rows of logits, with the gradient written over them: at once, or in passes between which ranks that share
// the vocabulary put their statistics together.
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
COLLIE_INLINE float row_sum(const T* x, int64_t n, float top) {
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int64_t j = 0; j < n; ++j) sum += exp_fast(to_float(x[j]) - top);
  return sum;
}

template <class T>
COLLIE_INLINE T* row_of(const CrossEntropyArgs& a, int64_t i) {
  return static_cast<T*>(a.logits) + i * a.logits_stride;
}

// Loss of row i, and its gradient, from the row's maximum, its sum and the logit of its target.
template <class T>
COLLIE_INLINE void finish_row(const CrossEntropyArgs& a, int64_t i, float top, float sum, float target) {
  T* x = row_of<T>(a, i);
  const float lse = top + __builtin_logf(sum);
  a.losses[i] = lse - target;
  if (a.correct) a.correct[i] = target >= top ? 1 : 0;
  if (!a.scales) return;
  const float scale = a.scales[i];
#pragma omp simd
  for (int64_t j = 0; j < a.vocab; ++j) x[j] = from_float<T>(exp_fast(to_float(x[j]) - lse) * scale);
  if (a.targets[i] >= 0) x[a.targets[i]] = from_float<T>((exp_fast(target - lse) - 1.f) * scale);
}

template <class T>
void cross_entropy(const CrossEntropyArgs& a, int64_t begin, int64_t end) {
  for (int64_t i = begin; i < end; ++i) {
    const T* x = row_of<T>(a, i);
    const float target = to_float(x[a.targets[i]]), top = row_max(x, a.vocab);
    finish_row<T>(a, i, top, row_sum(x, a.vocab, top), target);
  }
}

template <class T>
void logit_maxima(const CrossEntropyArgs& a, int64_t begin, int64_t end) {
  for (int64_t i = begin; i < end; ++i) a.maxima[i] = row_max(row_of<T>(a, i), a.vocab);
}

template <class T>
void logit_sums(const CrossEntropyArgs& a, int64_t begin, int64_t end) {
  for (int64_t i = begin; i < end; ++i) {
    const T* x = row_of<T>(a, i);
    a.sums[i] = row_sum(x, a.vocab, a.maxima[i]);
    a.sums[a.rows + i] = a.targets[i] >= 0 ? to_float(x[a.targets[i]]) : 0.f;
  }
}

template <class T>
void cross_entropy_of(const CrossEntropyArgs& a, int64_t begin, int64_t end) {
  for (int64_t i = begin; i < end; ++i) finish_row<T>(a, i, a.maxima[i], a.sums[i], a.sums[a.rows + i]);
}

}  // namespace collie::cpu::COLLIE_CPU_VARIANT
