// Loops over all elements of a buffer: conversion, norms.
#pragma once

#include "engine/kernels/cpu/args.h"
#include "engine/kernels/cpu/variants/simd.h"

namespace collie::cpu::COLLIE_CPU_VARIANT {

template <class From, class To, bool Add>
COLLIE_INLINE void convert_typed(const void* src, void* dst, float scale, int64_t n) {
  const From* s = static_cast<const From*>(src);
  To* d = static_cast<To*>(dst);
#pragma omp simd
  for (int64_t i = 0; i < n; ++i) d[i] = from_float<To>(Add ? to_float(d[i]) + to_float(s[i]) : scale * to_float(s[i]));
}

template <bool Add>
COLLIE_INLINE void convert_any(const void* src, Storage from, void* dst, Storage to, float scale, int64_t n) {
  if (from == Storage::f32 && to == Storage::f32)
    convert_typed<float, float, Add>(src, dst, scale, n);
  else if (from == Storage::f32)
    convert_typed<float, bf16, Add>(src, dst, scale, n);
  else if (to == Storage::f32)
    convert_typed<bf16, float, Add>(src, dst, scale, n);
  else
    convert_typed<bf16, bf16, Add>(src, dst, scale, n);
}

inline void convert(const void* src, Storage from, void* dst, Storage to, float scale, int64_t n) {
  convert_any<false>(src, from, dst, to, scale, n);
}

inline void add(const void* src, Storage from, void* dst, Storage to, int64_t n) {
  convert_any<true>(src, from, dst, to, 1.f, n);
}

inline double squared_norm(const float* x, int64_t n) {
  double sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int64_t i = 0; i < n; ++i) sum += static_cast<double>(x[i]) * static_cast<double>(x[i]);
  return sum;
}

template <class T>
bool all_finite(const void* x, int64_t n) {
  const T* p = static_cast<const T*>(x);
  uint32_t bad = 0;
#pragma omp simd reduction(+ : bad)
  for (int64_t i = 0; i < n; ++i) {
    const uint32_t bits = __builtin_bit_cast(uint32_t, to_float(p[i]));
    bad += (bits & 0x7f800000u) == 0x7f800000u ? 1u : 0u;
  }
  return bad == 0;
}

}  // namespace collie::cpu::COLLIE_CPU_VARIANT
