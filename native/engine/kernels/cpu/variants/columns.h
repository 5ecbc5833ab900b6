// Loops that treat every column of a [rows, cols] buffer in its own way: scales, biases, and their gradients.
#pragma once

#include "engine/kernels/cpu/args.h"
#include "engine/kernels/cpu/variants/simd.h"

namespace collie::cpu::COLLIE_CPU_VARIANT {

template <class T, bool Scales, bool Shifts>
COLLIE_INLINE void affine_row(const T* x, const float* factors, const float* shifts, T* y, int64_t cols) {
#pragma omp simd
  for (int64_t j = 0; j < cols; ++j) {
    float value = to_float(x[j]);
    if (Scales) value *= factors[j];
    if (Shifts) value += shifts[j];
    y[j] = from_float<T>(value);
  }
}

template <class T>
void affine_columns(const ColumnAffineArgs& a, int64_t begin, int64_t end) {
  for (int64_t i = begin; i < end; ++i) {
    const T* x = static_cast<const T*>(a.x) + i * a.x_stride;
    T* y = static_cast<T*>(a.y) + i * a.y_stride;
    if (a.factors && a.shifts)
      affine_row<T, true, true>(x, a.factors, a.shifts, y, a.cols);
    else if (a.factors)
      affine_row<T, true, false>(x, a.factors, nullptr, y, a.cols);
    else if (a.shifts)
      affine_row<T, false, true>(x, nullptr, a.shifts, y, a.cols);
    else
      affine_row<T, false, false>(x, nullptr, nullptr, y, a.cols);
  }
}

// Sums over blocks of rows, which are added up: the error grows with the number of blocks, and the order of the sum never
// depends on threads, which own columns.
template <class T>
void column_sums(const ColumnSumsArgs& a, int64_t col_begin, int64_t col_end) {
  constexpr int64_t kWidth = 64, kRows = 128;
  for (int64_t first = col_begin; first < col_end; first += kWidth) {
    const int64_t width = min_of(kWidth, col_end - first);
    float total[kWidth] = {};
    for (int64_t row = 0; row < a.rows; row += kRows) {
      float part[kWidth] = {};
      const int64_t last = min_of(row + kRows, a.rows);
      for (int64_t i = row; i < last; ++i) {
        const T* x = static_cast<const T*>(a.a) + i * a.a_stride + first;
        if (a.b) {
          const T* y = static_cast<const T*>(a.b) + i * a.b_stride + first;
#pragma omp simd
          for (int64_t j = 0; j < width; ++j) part[j] += to_float(x[j]) * to_float(y[j]);
        } else {
#pragma omp simd
          for (int64_t j = 0; j < width; ++j) part[j] += to_float(x[j]);
        }
      }
      for (int64_t j = 0; j < width; ++j) total[j] += part[j];
    }
    for (int64_t j = 0; j < width; ++j) a.sums[first + j] += (a.factors ? a.factors[first + j] : 1.f) * total[j];
  }
}

}  // namespace collie::cpu::COLLIE_CPU_VARIANT
