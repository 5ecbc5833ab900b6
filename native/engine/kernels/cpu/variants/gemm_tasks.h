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
COLLIE_INLINE void store_tile(const float* tile, int64_t ld, int64_t rows, int64_t cols, float beta, T* c,
                              int64_t ldc) {
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

COLLIE_INLINE float sum_of(Vec v) {
  float lanes[kLanes];
  *reinterpret_cast<Vec*>(lanes) = v;
  for (int half = kLanes / 2; half > 0; half /= 2)
    for (int i = 0; i < half; ++i) lanes[i] += lanes[i + half];
  return lanes[0];
}

// Column j of rows row0 to row0 + Rows. A sum takes its terms in the same order whatever Rows, so that an answer does not depend on those
// that are computed with it. One line of w at a time: several at once are slower to come from memory than they save.
template <int Rows, class W, class Y>
COLLIE_INLINE void gemv_column(const FewRows& t, int64_t row0, int64_t j) {
  const float* x = t.x + row0 * t.k;
  const W* w = static_cast<const W*>(t.w.data) + j * t.w.row_stride;
  Y* y = static_cast<Y*>(t.y.data) + row0 * t.y.row_stride + j;
  Vec acc[Rows];
#pragma GCC unroll 8
  for (int r = 0; r < Rows; ++r) acc[r] = Vec{};
  int64_t p = 0;
  for (; p + kLanes <= t.k; p += kLanes) {
    const Vec weights = load(w + p);
#pragma GCC unroll 8
    for (int r = 0; r < Rows; ++r) acc[r] += load(x + r * t.k + p) * weights;
  }
  for (int r = 0; r < Rows; ++r) {
    float sum = sum_of(acc[r]);
    for (int64_t q = p; q < t.k; ++q) sum += x[r * t.k + q] * to_float(w[q]);
    Y& out = y[r * t.y.row_stride];
    out = from_float<Y>(t.beta == 0.f ? t.alpha * sum : t.alpha * sum + t.beta * to_float(out));
  }
}

template <class W, class Y>
inline void gemv_rows_typed(const FewRows& t, int64_t begin, int64_t end) {
  for (int64_t j = begin; j < end; ++j) {
    int64_t i = 0;
    for (; i + 8 <= t.rows; i += 8) gemv_column<8, W, Y>(t, i, j);
    for (; i + 4 <= t.rows; i += 4) gemv_column<4, W, Y>(t, i, j);
    for (; i + 2 <= t.rows; i += 2) gemv_column<2, W, Y>(t, i, j);
    for (; i < t.rows; ++i) gemv_column<1, W, Y>(t, i, j);
  }
}

inline void gemv_rows(const FewRows& t, int64_t begin, int64_t end) {
  const bool w32 = t.w.storage == Storage::f32, y32 = t.y.storage == Storage::f32;
  if (w32)
    y32 ? gemv_rows_typed<float, float>(t, begin, end) : gemv_rows_typed<float, bf16>(t, begin, end);
  else
    y32 ? gemv_rows_typed<bf16, float>(t, begin, end) : gemv_rows_typed<bf16, bf16>(t, begin, end);
}

}  // namespace collie::cpu::COLLIE_CPU_VARIANT
