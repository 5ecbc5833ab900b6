// Weights in 4 bits: one thread a pack of 32 elements, 16 bytes of codes, where rows are whole packs; else one element.
#include "core/formats/nf4.h"
#include "engine/kernels/cuda/packs.cuh"

namespace collie::cuda {
namespace {

constexpr int kCodesPerPack = 2 * kPackBytes;
constexpr unsigned kLevels = nf4::kLevels.size();

// What divides a place in the matrix.
struct Nf4Divisors {
  Divisor packs_per_row, part_blocks;
};

// Of a block: read in a code, a table and two fp32 numbers that its neighbours read as well.
__device__ inline float magnitude_of(const Nf4Args& a, uint32_t block, Divisor part_blocks) {
  const auto [row, column] = place_of<1>(block, part_blocks);
  const int64_t in_whole = a.first_block + row * a.whole_blocks + column;
  return a.map[a.magnitudes[block]] * a.scales[in_whole / nf4::kScaleBlock] + a.offset;
}

template <class T, int W>
__global__ void dequantize(Nf4Args a, uint32_t packs, Nf4Divisors divisors) {
  __shared__ float levels[kLevels];
  if (threadIdx.x < kLevels) levels[threadIdx.x] = a.levels[threadIdx.x];
  __syncthreads();
  COLLIE_EACH_PACK(index, packs) {
    const float magnitude = magnitude_of(a, index / static_cast<uint32_t>(nf4::kBlock / W), divisors.part_blocks);
    const auto [row, column] = place_of<W>(index, divisors.packs_per_row);
    T* const out = static_cast<T*>(a.out) + row * a.out_stride + column;
    if constexpr (W == 1) {
      const uint8_t pair = a.codes[index / 2];
      *out = from_float<T>(levels[index % 2 == 0 ? pair >> 4 : pair & 15] * magnitude);
    } else {
      static_assert(W == kCodesPerPack);
      const auto codes = reinterpret_cast<const Pack<uint32_t, kPackBytes / 4>*>(a.codes)[index];
      for (int word = 0; word < kPackBytes / 4; ++word) {
        float values[8];
        for (int k = 0; k < 8; ++k) {  // bytes from the lowest, in each the upper half first
          const int shift = 8 * (k / 2) + (k % 2 == 0 ? 4 : 0);
          values[k] = levels[codes.values[word] >> shift & 15] * magnitude;
        }
        store(out + 8 * word, values);
      }
    }
  }
}

}  // namespace

void dequantize_nf4(const Nf4Args& a, cudaStream_t stream) {
  for_storage(a.storage, [&]<class T>() {
    with_packs<T, kCodesPerPack>({a.out, a.codes}, {a.cols, a.out_stride}, [&]<int W>() {
      const int64_t per_row = a.cols / W;
      const uint32_t packs = packs_in(a.rows, per_row);
      launch(dequantize<T, W>, blocks_for(packs), stream, a, packs, Nf4Divisors{per_row, a.part_blocks});
    });
  });
}

}  // namespace collie::cuda
