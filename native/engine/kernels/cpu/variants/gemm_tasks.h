// What the table offers of matrix multiplication: packing of B, a task over packed columns, a few rows at a time.
#pragma once

#include "engine/kernels/cpu/variants/gemm.h"

namespace collie::cpu::COLLIE_CPU_VARIANT {

inline int64_t gemm_scratch_floats() { return kMc * kKc + kMc * kSlice; }

// Layout: blocks of kKc terms one after another, each with panels of kNr columns. n_packed is cols rounded up to kNr.
inline void pack_b(const ConstMatrix& b, int64_t k, int64_t col0, int64_t cols, int64_t panel0, int64_t n_packed,
                   float* packed) {
  for (int64_t p = 0; p < k; p += kKc) {
    const int64_t depth = min_of(kKc, k - p);
    pack_any<kNr>(b, col0, b.col_stride, p, b.row_stride, cols, depth, packed + p * n_packed + panel0 * depth);
  }
}

template <class T>
COLLIE_INLINE void store_tile(const float* tile, int64_t ld, int64_t rows, int64_t cols, float beta, T* c, int64_t ldc) {
  for (int64_t i = 0; i < rows; ++i) {
    const float* s = tile + i * ld;
    T* d = c + i * ldc;
    if (beta == 0.f) {
#pragma omp simd
      for (int64_t j = 0; j < cols; ++j) d[j] = from_float<T>(s[j]);
    } else {
#pragma omp simd
      for (int64_t j = 0; j < cols; ++j) d[j] = from_float<T>(s[j] + beta * to_float(d[j]));
    }
  }
}

inline void gemm_task(const GemmTask& t) {
  float* packed_a = t.scratch;
  float* tile = t.scratch + kMc * kKc;
  for (int64_t p = 0; p < t.k; p += kKc) {
    const int64_t depth = min_of(kKc, t.k - p);
    pack_any<kMr>(t.a, t.row0, t.a.row_stride, p, t.a.col_stride, t.rows, depth, packed_a);
    const float* b = t.packed_b + p * t.n_packed + t.col0 * depth;
    if (p == 0)
      macro_tile<Write::replace>(t.rows, t.cols, depth, packed_a, b, t.alpha, tile, kSlice);
    else
      macro_tile<Write::add>(t.rows, t.cols, depth, packed_a, b, t.alpha, tile, kSlice);
  }
  const int64_t offset = t.row0 * t.c.row_stride + t.col0;
  if (t.c.storage == Storage::f32)
    store_tile(tile, kSlice, t.rows, t.cols, t.beta, static_cast<float*>(t.c.data) + offset, t.c.row_stride);
  else
    store_tile(tile, kSlice, t.rows, t.cols, t.beta, static_cast<bf16*>(t.c.data) + offset, t.c.row_stride);
}

template <class T>
COLLIE_INLINE float dot(const T* x, const T* w, int64_t n) {
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int64_t i = 0; i < n; ++i) sum += to_float(x[i]) * to_float(w[i]);
  return sum;
}

template <class T, class TY>
COLLIE_INLINE void gemv_rows_typed(const ConstMatrix& x, int64_t rows, int64_t k, const ConstMatrix& w, const Matrix& y,
                                   float alpha, float beta, int64_t begin, int64_t end) {
  for (int64_t j = begin; j < end; ++j) {
    const T* row = static_cast<const T*>(w.data) + j * w.row_stride;
    for (int64_t i = 0; i < rows; ++i) {
      TY& out = static_cast<TY*>(y.data)[i * y.row_stride + j];
      const float sum = alpha * dot(static_cast<const T*>(x.data) + i * x.row_stride, row, k);
      out = from_float<TY>(beta == 0.f ? sum : sum + beta * to_float(out));
    }
  }
}

inline void gemv_rows(const ConstMatrix& x, int64_t rows, int64_t k, const ConstMatrix& w, const Matrix& y, float alpha,
                      float beta, int64_t begin, int64_t end) {
  const bool f32 = w.storage == Storage::f32, y32 = y.storage == Storage::f32;
  if (f32)
    gemv_rows_typed<float, float>(x, rows, k, w, y, alpha, beta, begin, end);
  else if (y32)
    gemv_rows_typed<bf16, float>(x, rows, k, w, y, alpha, beta, begin, end);
  else
    gemv_rows_typed<bf16, bf16>(x, rows, k, w, y, alpha, beta, begin, end);
}

}  // namespace collie::cpu::COLLIE_CPU_VARIANT
