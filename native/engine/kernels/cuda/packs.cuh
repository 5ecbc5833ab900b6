// Several neighbours at a time: memory is read and written fastest in pieces of 16 bytes a thread, and where a pack lies has to be worked out.
// Kernels take W elements a thread where everything begins on such a piece, one where not.
#pragma once

#include <initializer_list>
#include <stdexcept>
#include <string>

#include "engine/kernels/cuda/device.cuh"

namespace collie::cuda {

constexpr int kPackBytes = 16;

// Of one load or store (of two for eight fp32 values).
template <class T, int W>
struct alignas(W * sizeof(T) < kPackBytes ? W * sizeof(T) : kPackBytes) Pack {
  T values[W];
};

template <int W, class T>
__device__ inline void load(const T* from, float (&values)[W]) {
  const Pack<T, W> pack = *reinterpret_cast<const Pack<T, W>*>(from);
  for (int k = 0; k < W; ++k) values[k] = to_float(pack.values[k]);
}

template <int W, class T>
__device__ inline void store(T* to, const float (&values)[W]) {
  Pack<T, W> pack;
  for (int k = 0; k < W; ++k) pack.values[k] = from_float<T>(values[k]);
  *reinterpret_cast<Pack<T, W>*>(to) = pack;
}

// Division of numbers below 2^31 by one that is known before the launch: a multiplication and a shift (Granlund and Montgomery 1994,
// "Division by invariant integers using multiplication"), where a GPU takes about twenty instructions to divide.
struct Divisor {
  uint32_t value, multiplier, shift = 0;

  Divisor(int64_t divisor) : value(divisor < 1 ? 1 : static_cast<uint32_t>(divisor)) {  // 0: of nothing
    if (divisor >= int64_t{1} << 31) throw std::length_error("a row of " + std::to_string(divisor) + " packs");
    while ((uint64_t{1} << shift) < value) ++shift;
    multiplier = static_cast<uint32_t>((((uint64_t{1} << shift) - value) << 32) / value + 1);
  }
  __device__ uint32_t quotient(uint32_t n) const {
    return (static_cast<uint32_t>(uint64_t{n} * multiplier >> 32) + n) >> shift;
  }
};

struct Place {
  int64_t row, column;
};
template <int W>
__device__ inline Place place_of(uint32_t index, Divisor packs_per_row) {
  const uint32_t row = packs_per_row.quotient(index);
  return {row, static_cast<int64_t>(index - row * packs_per_row.value) * W};
}

// for (i in grid stride over `n` packs)
#define COLLIE_EACH_PACK(i, n) \
  for (uint32_t i = blockIdx.x * blockDim.x + threadIdx.x; i < (n); i += gridDim.x * blockDim.x)

// Packs of a matrix. Throws std::length_error beyond 2^31, which would be 32 GB in packs of 16 bytes.
inline uint32_t packs_in(int64_t rows, int64_t packs_per_row) {
  const int64_t packs = rows * packs_per_row;
  if (packs >= int64_t{1} << 31)
    throw std::length_error("a tensor of " + std::to_string(packs) + " packs is too large for one launch");
  return static_cast<uint32_t>(packs);
}

// Calls run.template operator()<W>() with W elements of T, or with 1 where a pointer or a number of elements (strides, widths) does not
// divide into packs.
template <class T, int W = kPackBytes / sizeof(T), class Run>
void with_packs(std::initializer_list<const void*> pointers, std::initializer_list<int64_t> counts, Run run) {
  constexpr size_t kBytes = alignof(Pack<T, W>);
  bool fits = true;
  for (const void* p : pointers) fits = fits && reinterpret_cast<uintptr_t>(p) % kBytes == 0;
  for (const int64_t count : counts) fits = fits && count % W == 0;
  if (fits)
    run.template operator()<W>();
  else
    run.template operator()<1>();
}

}  // namespace collie::cuda
