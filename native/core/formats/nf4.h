// The 4-bit format NF4 with double quantization (Dettmers et al. 2023, QLoRA, arXiv 2305.14314): the numbers it is made of, as
// bitsandbytes has them, and its size. A tensor is cut into blocks of 64 elements in storage order; a block is 64 codes of 4
// bits and its largest magnitude. These magnitudes, less their mean, are cut into blocks of 256: a code of 8 bits each and
// one fp32 magnitude a block.
#pragma once

#include <array>
#include <cstdint>

namespace collie::nf4 {

constexpr int64_t kBlock = 64;
constexpr int64_t kScaleBlock = 256;

// What the codes stand for, in units of the block's largest magnitude: the 16 quantiles of a normal distribution, with an
// exact zero (appendix E of the paper).
constexpr std::array<float, 16> kLevels = {-1.0f,
                                           -0.6961928009986877f,
                                           -0.5250730514526367f,
                                           -0.39491748809814453f,
                                           -0.28444138169288635f,
                                           -0.18477343022823334f,
                                           -0.09105003625154495f,
                                           0.0f,
                                           0.07958029955625534f,
                                           0.16093020141124725f,
                                           0.24611230194568634f,
                                           0.33791524171829224f,
                                           0.44070982933044434f,
                                           0.5626170039176941f,
                                           0.7229568362236023f,
                                           1.0f};

// What the 8-bit codes of magnitudes stand for: a sign, a decimal exponent of 0 to 7 leading zeros and a linear fraction
// of the bits that are left (Dettmers 2015, arXiv 1511.04561). Ascending.
const std::array<float, 256>& scale_map();

constexpr int64_t blocks_of(int64_t elements, int64_t block) { return (elements + block - 1) / block; }
// Bytes of so many elements of a tensor of `whole`: codes, coded magnitudes, their magnitudes and mean, those last two of the whole.
constexpr int64_t bytes_of(int64_t elements, int64_t whole) {
  return blocks_of(elements, 2) + blocks_of(elements, kBlock) + 4 * blocks_of(blocks_of(whole, kBlock), kScaleBlock) +
         4;
}

}  // namespace collie::nf4
