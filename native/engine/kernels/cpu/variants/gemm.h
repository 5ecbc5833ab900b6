// Blocked matrix multiplication (Goto and van de Geijn 2008): both operands are packed into fp32 panels, so that bf16
// storage, transposes and strides cost nothing beyond the copy that packing is anyway; sums are fp32 and rounded once.
#pragma once

#include "engine/kernels/cpu/args.h"
#include "engine/kernels/cpu/variants/simd.h"

namespace collie::cpu::COLLIE_CPU_VARIANT {

#if defined(__AVX512F__)
constexpr int kMr = 14;
constexpr int64_t kMc = 168;
#else
constexpr int kMr = 6;
constexpr int64_t kMc = 120;
#endif
constexpr int kNr = 2 * kLanes;
constexpr int64_t kKc = 256;
constexpr int64_t kSlice = 512;

// Copies `lines` lines of `depth` elements into panels of `Width` lines, depth-major; missing lines are zero.
// line_stride and depth_stride are those of the source; one of them is 1.
template <int Width, class T>
COLLIE_INLINE void pack_panels(const T* src, int64_t line_stride, int64_t depth_stride, int64_t lines, int64_t depth,
                               float* dst) {
  for (int64_t l0 = 0; l0 < lines; l0 += Width, dst += Width * depth) {
    const int64_t n = min_of(Width, lines - l0);
    const T* s = src + l0 * line_stride;
    if (n < Width) {
      for (int64_t p = 0; p < depth; ++p)
        for (int64_t l = 0; l < Width; ++l)
          dst[p * Width + l] = l < n ? to_float(s[l * line_stride + p * depth_stride]) : 0.f;
    } else if (line_stride == 1) {
      for (int64_t p = 0; p < depth; ++p) {
        const T* row = s + p * depth_stride;
#pragma GCC unroll 32
        for (int l = 0; l < Width; ++l) dst[p * Width + l] = to_float(row[l]);
      }
    } else {
      for (int64_t p = 0; p < depth; ++p) {
#pragma GCC unroll 32
        for (int l = 0; l < Width; ++l) dst[p * Width + l] = to_float(s[l * line_stride + p * depth_stride]);
      }
    }
  }
}

template <int Width>
COLLIE_INLINE void pack_any(const ConstMatrix& m, int64_t line0, int64_t line_stride, int64_t depth0,
                            int64_t depth_stride, int64_t lines, int64_t depth, float* dst) {
  const int64_t offset = line0 * line_stride + depth0 * depth_stride;
  if (m.storage == Storage::f32)
    pack_panels<Width>(static_cast<const float*>(m.data) + offset, line_stride, depth_stride, lines, depth, dst);
  else
    pack_panels<Width>(static_cast<const bf16*>(m.data) + offset, line_stride, depth_stride, lines, depth, dst);
}

enum class Write { replace, add };

// c[Mr, Nr] (+)= alpha a[k, Mr]^T b[k, Nr]
template <Write W>
COLLIE_INLINE void micro_tile(int64_t k, const float* a, const float* b, float alpha, float* c, int64_t ldc) {
  Vec acc[kMr][2];
#pragma GCC unroll 16
  for (int i = 0; i < kMr; ++i) acc[i][0] = acc[i][1] = Vec{};
  for (int64_t p = 0; p < k; ++p, a += kMr, b += kNr) {
    const Vec b0 = *reinterpret_cast<const Vec*>(b);
    const Vec b1 = *reinterpret_cast<const Vec*>(b + kLanes);
#pragma GCC unroll 16
    for (int i = 0; i < kMr; ++i) {
      acc[i][0] += a[i] * b0;
      acc[i][1] += a[i] * b1;
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < kMr; ++i) {
    Vec* row0 = reinterpret_cast<Vec*>(c + i * ldc);
    Vec* row1 = reinterpret_cast<Vec*>(c + i * ldc + kLanes);
    if constexpr (W == Write::replace) {
      *row0 = alpha * acc[i][0];
      *row1 = alpha * acc[i][1];
    } else {
      *row0 += alpha * acc[i][0];
      *row1 += alpha * acc[i][1];
    }
  }
}

// c[rows, cols] (+)= alpha A B from packed panels; c may be narrower than the panels.
template <Write W>
COLLIE_INLINE void macro_tile(int64_t rows, int64_t cols, int64_t k, const float* a, const float* b, float alpha,
                              float* c, int64_t ldc) {
  float edge[kMr * kNr];
  for (int64_t j = 0; j < cols; j += kNr) {
    for (int64_t i = 0; i < rows; i += kMr) {
      const float* panel_a = a + i * k;
      const float* panel_b = b + j * k;
      const int64_t m = min_of(kMr, rows - i), n = min_of(kNr, cols - j);
      if (m == kMr && n == kNr) {
        micro_tile<W>(k, panel_a, panel_b, alpha, c + i * ldc + j, ldc);
      } else {
        micro_tile<Write::replace>(k, panel_a, panel_b, alpha, edge, kNr);
        for (int64_t r = 0; r < m; ++r)
          for (int64_t s = 0; s < n; ++s) {
            float& out = c[(i + r) * ldc + j + s];
            out = W == Write::replace ? edge[r * kNr + s] : out + edge[r * kNr + s];
          }
      }
    }
  }
}

COLLIE_INLINE int64_t round_up(int64_t n, int64_t to) { return (n + to - 1) / to * to; }

// Small product inside one thread: c[m, n] (+)= A[m, k] B[k, n], fp32 with row stride ldc. `scratch` holds
// serial_scratch_floats(m, n, k) floats. Strides as in pack_panels: *_rs steps a row, *_cs a column.
COLLIE_INLINE int64_t serial_scratch_floats(int64_t m, int64_t n, int64_t k) {
  return (round_up(m, kMr) + round_up(n, kNr)) * k;
}
template <Write W, class TA, class TB>
inline void serial_gemm(int64_t m, int64_t n, int64_t k, const TA* a, int64_t a_rs, int64_t a_cs, const TB* b,
                        int64_t b_rs, int64_t b_cs, float* c, int64_t ldc, float* scratch) {
  float* packed_a = scratch;
  float* packed_b = scratch + round_up(m, kMr) * k;
  pack_panels<kMr>(a, a_rs, a_cs, m, k, packed_a);
  pack_panels<kNr>(b, b_cs, b_rs, n, k, packed_b);
  macro_tile<W>(m, n, k, packed_a, packed_b, 1.f, c, ldc);
}

}  // namespace collie::cpu::COLLIE_CPU_VARIANT
