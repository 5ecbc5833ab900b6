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

// Eight floats, whatever the lanes of the variant: packing turns blocks of 8 by 8.
typedef float Eight __attribute__((vector_size(32), aligned(4), may_alias));

COLLIE_INLINE void load_eight(const float* p, Eight& out) { out = *reinterpret_cast<const Eight*>(p); }
COLLIE_INLINE void load_eight(const bf16* p, Eight& out) {
  typedef uint16_t Halves __attribute__((vector_size(16), aligned(2), may_alias));
  typedef uint32_t Words __attribute__((vector_size(32)));
  out = __builtin_bit_cast(Eight, __builtin_convertvector(*reinterpret_cast<const Halves*>(p), Words) << 16);
}

// Lines become columns: element j of r[i] goes to element i of r[j].
COLLIE_INLINE void transpose(Eight (&r)[8]) {
  Eight pairs[8], fours[8];
#pragma GCC unroll 4
  for (int i = 0; i < 8; i += 2) {
    pairs[i] = __builtin_shufflevector(r[i], r[i + 1], 0, 8, 1, 9, 4, 12, 5, 13);
    pairs[i + 1] = __builtin_shufflevector(r[i], r[i + 1], 2, 10, 3, 11, 6, 14, 7, 15);
  }
#pragma GCC unroll 2
  for (int i = 0; i < 8; i += 4)
#pragma GCC unroll 2
    for (int j = 0; j < 2; ++j) {
      fours[i + 2 * j] = __builtin_shufflevector(pairs[i + j], pairs[i + j + 2], 0, 1, 8, 9, 4, 5, 12, 13);
      fours[i + 2 * j + 1] = __builtin_shufflevector(pairs[i + j], pairs[i + j + 2], 2, 3, 10, 11, 6, 7, 14, 15);
    }
#pragma GCC unroll 4
  for (int i = 0; i < 4; ++i) {
    r[i] = __builtin_shufflevector(fours[i], fours[i + 4], 0, 1, 2, 3, 8, 9, 10, 11);
    r[i + 4] = __builtin_shufflevector(fours[i], fours[i + 4], 4, 5, 6, 7, 12, 13, 14, 15);
  }
}

// dst[p Width + l] = src[l line_stride + p] for p < 8 and l < Lines.
template <int Lines, int Width, class T>
COLLIE_INLINE void turn_block(const T* src, int64_t line_stride, float* dst) {
  constexpr int kNow = Lines < 8 ? Lines : 8;
  Eight r[8];
#pragma GCC unroll 8
  for (int l = 0; l < 8; ++l)
    if (l < kNow)
      load_eight(src + l * line_stride, r[l]);
    else
      r[l] = Eight{};
  transpose(r);
#pragma GCC unroll 8
  for (int p = 0; p < 8; ++p) __builtin_memcpy(dst + p * Width, &r[p], kNow * sizeof(float));
  if constexpr (Lines > 8) turn_block<Lines - 8, Width>(src + 8 * line_stride, line_stride, dst + 8);
}

// dst[l] = src[l] for l < Width.
template <int Width>
COLLIE_INLINE void copy_lines(const float* src, float* dst) {
  __builtin_memcpy(dst, src, Width * sizeof(float));
}
template <int Width>
COLLIE_INLINE void copy_lines(const bf16* src, float* dst) {
  if constexpr (Width >= 8) {
    Eight wide;
    load_eight(src, wide);
    __builtin_memcpy(dst, &wide, sizeof(wide));
    copy_lines<Width - 8>(src + 8, dst + 8);
  } else {
    uint16_t bits[8] = {};
    __builtin_memcpy(bits, src, Width * sizeof(bf16));
    Eight wide;
    load_eight(reinterpret_cast<const bf16*>(bits), wide);
    __builtin_memcpy(dst, &wide, Width * sizeof(float));
  }
}

// Some of the terms of `n` < Width lines; those that are missing are zero.
template <int Width, class T>
COLLIE_INLINE void pack_edge(const T* src, int64_t line_stride, int64_t depth_stride, int64_t n, int64_t terms,
                             float* dst) {
  for (int64_t p = 0; p < terms; ++p)
    for (int64_t l = 0; l < Width; ++l)
      dst[p * Width + l] = l < n ? to_float(src[l * line_stride + p * depth_stride]) : 0.f;
}

// Copies `lines` lines of `depth` elements into panels of `Width` lines, depth-major; missing lines are zero.
// line_stride and depth_stride are those of the source; one of them is 1. Memory is read along it.
template <int Width, class T>
COLLIE_INLINE void pack_panels(const T* src, int64_t line_stride, int64_t depth_stride, int64_t lines, int64_t depth,
                               float* dst) {
  const int64_t whole = lines / Width * Width;
  if (line_stride == 1) {
    for (int64_t p0 = 0; p0 < depth; p0 += 8)
      for (int64_t l = 0; l < whole; l += Width)
        for (int64_t p = p0; p < min_of(p0 + 8, depth); ++p)
          copy_lines<Width>(src + l + p * depth_stride, dst + l * depth + p * Width);
  } else {
    for (int64_t l = 0; l < whole; l += Width) {
      const T* s = src + l * line_stride;
      int64_t p = 0;
      for (; p + 8 <= depth; p += 8) turn_block<Width, Width>(s + p, line_stride, dst + l * depth + p * Width);
      for (; p < depth; ++p)
        for (int i = 0; i < Width; ++i) dst[l * depth + p * Width + i] = to_float(s[i * line_stride + p]);
    }
  }
  if (whole < lines)
    pack_edge<Width>(src + whole * line_stride, line_stride, depth_stride, lines - whole, depth, dst + whole * depth);
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
#pragma GCC unroll 4
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
