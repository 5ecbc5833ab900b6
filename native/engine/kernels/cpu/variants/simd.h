// Vectors, bf16 and elementary functions for loops that are compiled once per instruction set. Everything lives in the
// variant's own namespace: nothing here may be shared between variants, so no std or ATen inline functions.
#pragma once

#include <cstdint>

#define COLLIE_INLINE inline __attribute__((always_inline))

namespace collie::cpu::COLLIE_CPU_VARIANT {

#if defined(__AVX512F__)
constexpr int kLanes = 16;
#elif defined(__AVX2__)
constexpr int kLanes = 8;
#else
constexpr int kLanes = 4;
#endif
typedef float Vec __attribute__((vector_size(kLanes * 4), aligned(4), may_alias));

// Storage formats. Arithmetic is always in fp32; bf16 rounds to nearest even.
struct bf16 {
  uint16_t bits;
};

COLLIE_INLINE float to_float(float x) { return x; }
COLLIE_INLINE float to_float(bf16 x) { return __builtin_bit_cast(float, static_cast<uint32_t>(x.bits) << 16); }

template <class T>
COLLIE_INLINE T from_float(float x);
template <>
COLLIE_INLINE float from_float<float>(float x) {
  return x;
}
template <>
COLLIE_INLINE bf16 from_float<bf16>(float x) {
  const uint32_t u = __builtin_bit_cast(uint32_t, x);
  const uint32_t rounded = (u + 0x7fffu + ((u >> 16) & 1u)) >> 16;
  const uint32_t quiet_nan = 0x7fc0u;
  return bf16{static_cast<uint16_t>((u & 0x7fffffffu) > 0x7f800000u ? quiet_nan : rounded)};
}

// kLanes values as they lie in memory.
COLLIE_INLINE Vec load(const float* p) { return *reinterpret_cast<const Vec*>(p); }
COLLIE_INLINE Vec load(const bf16* p) {
  typedef uint16_t Halves __attribute__((vector_size(kLanes * 2), aligned(2), may_alias));
  typedef uint32_t Words __attribute__((vector_size(kLanes * 4)));
  return __builtin_bit_cast(Vec, __builtin_convertvector(*reinterpret_cast<const Halves*>(p), Words) << 16);
}

COLLIE_INLINE int64_t min_of(int64_t a, int64_t b) { return a < b ? a : b; }
COLLIE_INLINE int64_t max_of(int64_t a, int64_t b) { return a > b ? a : b; }

// e^x, relative error below 2e-7 (Cephes expf polynomial). Inputs are clamped to where the result is a normal number.
COLLIE_INLINE float exp_fast(float x) {
  x = x > 88.f ? 88.f : x;
  x = x < -87.f ? -87.f : x;
  const float magic = 12582912.f;  // 1.5 * 2^23: adding it rounds to an integer
  const float shifted = x * 1.44269504f + magic;
  const float n = shifted - magic;
  const int32_t exponent = __builtin_bit_cast(int32_t, shifted) - __builtin_bit_cast(int32_t, magic);
  float r = x - n * 0.693359375f;
  r = r - n * -2.12194440e-4f;
  float p = 1.9875691500e-4f;
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * (r * r) + (r + 1.f);
  return p * __builtin_bit_cast(float, (exponent + 127) << 23);
}

COLLIE_INLINE float sigmoid(float x) { return 1.f / (1.f + exp_fast(-x)); }

}  // namespace collie::cpu::COLLIE_CPU_VARIANT
