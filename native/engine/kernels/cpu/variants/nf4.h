// 4-bit codes to storage, block by block: 16 products, then look-ups.
#pragma once

#include "engine/kernels/cpu/args.h"
#include "engine/kernels/cpu/variants/simd.h"

namespace collie::cpu::COLLIE_CPU_VARIANT {

template <class T>
void dequantize_nf4(const Nf4Args& a, int64_t begin, int64_t end) {
  for (int64_t row = begin; row < end; ++row) {
    T* out = static_cast<T*>(a.out) + row * a.out_stride;
    for (int64_t col = 0; col < a.cols;) {
      const int64_t first = row * a.cols + col, block = first / a.block;
      const int64_t count = min_of((block + 1) * a.block - first, a.cols - col);
      const int64_t in_whole = a.first_block + block / a.part_blocks * a.whole_blocks + block % a.part_blocks;
      const float magnitude = a.map[a.magnitudes[block]] * a.scales[in_whole / a.scale_block] + a.offset;
      T values[16];
      for (int64_t i = 0; i < 16; ++i) values[i] = from_float<T>(a.levels[i] * magnitude);
      int64_t i = 0;
      if (first % 2) out[col + i++] = values[a.codes[first / 2] & 15];
      const uint8_t* pairs = a.codes + (first + i) / 2;
      for (; i + 1 < count; i += 2, ++pairs) {
        out[col + i] = values[*pairs >> 4];
        out[col + i + 1] = values[*pairs & 15];
      }
      if (i < count) out[col + i] = values[*pairs >> 4];
      col += count;
    }
  }
}

}  // namespace collie::cpu::COLLIE_CPU_VARIANT
