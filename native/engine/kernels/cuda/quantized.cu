// Weights in 4 bits: one thread a pack of elements, which lie in one block of the format.
#include "engine/kernels/cuda/packs.cuh"

namespace collie::cuda {
namespace {

constexpr int kLevels = 16;

template <class T, int W>
__global__ void dequantize(Nf4Args a, uint32_t packs, uint32_t packs_per_row, uint32_t packs_per_block) {
  __shared__ float levels[kLevels];
  if (threadIdx.x < kLevels) levels[threadIdx.x] = a.levels[threadIdx.x];
  __syncthreads();
  COLLIE_EACH_PACK(index, packs) {
    const int64_t block = index / packs_per_block;
    const int64_t in_whole = a.first_block + block / a.part_blocks * a.whole_blocks + block % a.part_blocks;
    const float magnitude = a.map[a.magnitudes[block]] * a.scales[in_whole / a.scale_block] + a.offset;
    float values[W];
    if constexpr (W == 1) {
      const uint8_t pair = a.codes[index / 2];
      values[0] = levels[index % 2 == 0 ? pair >> 4 : pair & 15] * magnitude;
    } else {
      const auto codes = reinterpret_cast<const Pack<uint8_t, W / 2>*>(a.codes)[index];
      for (int k = 0; k < W; ++k) values[k] = levels[k % 2 == 0 ? codes.values[k / 2] >> 4 : codes.values[k / 2] & 15] * magnitude;
    }
    const auto [row, column] = place_of<W>(index, packs_per_row);
    store(static_cast<T*>(a.out) + row * a.out_stride + column, values);
  }
}

}  // namespace

void dequantize_nf4(const Nf4Args& a, cudaStream_t stream) {
  for_storage(a.storage, [&]<class T>() {
    with_packs<T>({a.out, a.codes}, {a.cols, a.out_stride}, [&]<int W>() {
      const auto per_row = static_cast<uint32_t>(a.cols / W), packs = packs_in(a.rows, per_row);
      launch(dequantize<T, W>, blocks_for(packs), stream, a, packs, per_row, static_cast<uint32_t>(a.block / W));
    });
  });
}

}  // namespace collie::cuda
