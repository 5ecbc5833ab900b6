// Weights in 4 bits: one thread an element.
#include "engine/kernels/cuda/device.cuh"

namespace collie::cuda {
namespace {

template <class T>
__global__ void dequantize(Nf4Args a) {
  COLLIE_GRID_STRIDE(index, a.rows * a.cols) {
    const int64_t block = index / a.block;
    const int64_t in_whole = a.first_block + block / a.part_blocks * a.whole_blocks + block % a.part_blocks;
    const float magnitude = a.map[a.magnitudes[block]] * a.scales[in_whole / a.scale_block] + a.offset;
    const uint8_t pair = a.codes[index / 2];
    const float level = a.levels[index % 2 == 0 ? pair >> 4 : pair & 15];
    static_cast<T*>(a.out)[index / a.cols * a.out_stride + index % a.cols] = from_float<T>(level * magnitude);
  }
}

}  // namespace

void dequantize_nf4(const Nf4Args& a, cudaStream_t stream) {
  for_storage(a.storage, [&]<class T>() { launch(dequantize<T>, blocks_for(a.rows * a.cols), stream, a); });
}

}  // namespace collie::cuda
