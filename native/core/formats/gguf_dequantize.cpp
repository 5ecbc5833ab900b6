// Layouts of a block, little-endian and without padding (d, m: fp16 scale and minimum; qs: low bits, two elements a
// byte, the first half of the block in the low nibbles; qh: high bits). Legacy types have 32 elements a block, K types
// 256.
//   Q4_0 d qs[16]            x = d (q - 8)         Q4_1 d m qs[16]            x = d q + m
//   Q5_0 d qh[4] qs[16]      x = d (q - 16)        Q5_1 d m qh[4] qs[16]      x = d q + m
//   Q8_0 d q[32] (int8)      x = d q
//   Q2_K scales[16] qs[64] d m           16 groups of 16 with 4-bit scale and minimum: x = (d s) q - (m n)
//   Q3_K hmask[32] qs[64] scales[12] d   16 groups of 16 with 6-bit scale: x = d (s - 32) q, q of 2 bits, less 4 without its bit of hmask
//   Q4_K d m scales[12] qs[128]          8 groups of 32 with 6-bit scale and minimum: x = (d s) q - (m n)
//   Q5_K d m scales[12] qh[32] qs[128]   as Q4_K with a fifth bit
//   Q6_K ql[128] qh[64] scales[16] (int8) d   16 groups of 16: x = (d s) (q - 32)
#include "core/formats/gguf_dequantize.h"

#include <array>
#include <cassert>
#include <cstdint>
#include <cstring>

#include "core/base/float_bits.h"
#include "core/formats/gguf_codebooks.h"

namespace collie {

namespace {

using Bytes = const uint8_t*;

template <typename T>
T load(Bytes bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof(T));
  return value;
}

float half_at(Bytes bytes) { return half_to_float(load<uint16_t>(bytes)); }

void q4_0(Bytes block, float* out) {
  const float d = half_at(block);
  for (int i = 0; i < 16; ++i) {
    const uint8_t q = block[2 + i];
    out[i] = d * static_cast<float>((q & 15) - 8);
    out[i + 16] = d * static_cast<float>((q >> 4) - 8);
  }
}

void q4_1(Bytes block, float* out) {
  const float d = half_at(block), m = half_at(block + 2);
  for (int i = 0; i < 16; ++i) {
    const uint8_t q = block[4 + i];
    out[i] = d * static_cast<float>(q & 15) + m;
    out[i + 16] = d * static_cast<float>(q >> 4) + m;
  }
}

// The 5-bit values of a block whose fifth bits are `high`.
struct FiveBits {
  uint32_t high;
  Bytes low;
  int first(int i) const { return (low[i] & 15) | static_cast<int>((high >> i) & 1) << 4; }
  int second(int i) const { return (low[i] >> 4) | static_cast<int>((high >> (i + 16)) & 1) << 4; }
};

void q5_0(Bytes block, float* out) {
  const float d = half_at(block);
  const FiveBits q{load<uint32_t>(block + 2), block + 6};
  for (int i = 0; i < 16; ++i) {
    out[i] = d * static_cast<float>(q.first(i) - 16);
    out[i + 16] = d * static_cast<float>(q.second(i) - 16);
  }
}

void q5_1(Bytes block, float* out) {
  const float d = half_at(block), m = half_at(block + 2);
  const FiveBits q{load<uint32_t>(block + 4), block + 8};
  for (int i = 0; i < 16; ++i) {
    out[i] = d * static_cast<float>(q.first(i)) + m;
    out[i + 16] = d * static_cast<float>(q.second(i)) + m;
  }
}

void q8_0(Bytes block, float* out) {
  const float d = half_at(block);
  for (int i = 0; i < 32; ++i) out[i] = d * static_cast<float>(static_cast<int8_t>(block[2 + i]));
}

void q2_k(Bytes block, float* out) {
  const float d = half_at(block + 80), m = half_at(block + 82);
  for (int group = 0; group < 16; ++group) {
    const float scale = d * static_cast<float>(block[group] & 15);
    const float minimum = m * static_cast<float>(block[group] >> 4);
    Bytes low = block + 16 + group / 8 * 32 + group % 2 * 16;
    for (int i = 0; i < 16; ++i)
      out[group * 16 + i] = scale * static_cast<float>((low[i] >> (group / 2 % 4 * 2)) & 3) - minimum;
  }
}

void q3_k(Bytes block, float* out) {
  const float d = half_at(block + 108);
  Bytes scales = block + 96;
  for (int group = 0; group < 16; ++group) {
    const int nibble = (scales[group % 8] >> (group / 8 * 4)) & 15;
    const int scale = (nibble | ((scales[8 + group % 4] >> (group / 4 * 2)) & 3) << 4) - 32;
    Bytes high = block + group % 2 * 16, low = block + 32 + group / 8 * 32 + group % 2 * 16;
    for (int i = 0; i < 16; ++i) {
      const int q = ((low[i] >> (group / 2 % 4 * 2)) & 3) - ((high[i] >> (group / 2)) & 1 ? 0 : 4);
      out[group * 16 + i] = d * static_cast<float>(scale) * static_cast<float>(q);
    }
  }
}

// Eight 6-bit scales and minima in 12 bytes: the first four pairs whole, the others spread over leftover bits.
struct GroupScales {
  Bytes packed;
  int scale(int group) const {
    return group < 4 ? packed[group] & 63 : (packed[group + 4] & 15) | (packed[group - 4] >> 6) << 4;
  }
  int minimum(int group) const {
    return group < 4 ? packed[group + 4] & 63 : (packed[group + 4] >> 4) | (packed[group] >> 6) << 4;
  }
};

// Q4_K, and Q5_K when there are high bits.
void four_or_five_k(Bytes block, Bytes high, Bytes low, float* out) {
  const float d = half_at(block), m = half_at(block + 2);
  const GroupScales scales{block + 4};
  for (int group = 0; group < 8; ++group) {
    const float scale = d * static_cast<float>(scales.scale(group));
    const float minimum = m * static_cast<float>(scales.minimum(group));
    Bytes nibbles = low + group / 2 * 32;
    const int shift = group % 2 * 4;
    for (int i = 0; i < 32; ++i) {
      const int fifth = high ? ((high[i] >> group) & 1) << 4 : 0;
      out[group * 32 + i] = scale * static_cast<float>(((nibbles[i] >> shift) & 15) | fifth) - minimum;
    }
  }
}

void q4_k(Bytes block, float* out) { four_or_five_k(block, nullptr, block + 16, out); }
void q5_k(Bytes block, float* out) { four_or_five_k(block, block + 16, block + 48, out); }

void q6_k(Bytes block, float* out) {
  const float d = half_at(block + 208);
  for (int half = 0; half < 2; ++half) {
    Bytes low = block + half * 64, high = block + 128 + half * 32, scales = block + 192 + half * 8;
    for (int quarter = 0; quarter < 4; ++quarter) {
      for (int i = 0; i < 32; ++i) {
        const int nibble = (low[quarter % 2 * 32 + i] >> (quarter / 2 * 4)) & 15;
        const int q = (nibble | ((high[i] >> (quarter * 2)) & 3) << 4) - 32;
        const auto scale = static_cast<int8_t>(scales[quarter * 2 + i / 16]);
        out[half * 128 + quarter * 32 + i] = d * static_cast<float>(scale) * static_cast<float>(q);
      }
    }
  }
}

void f32(Bytes block, float* out) { *out = load<float>(block); }
void f16(Bytes block, float* out) { *out = half_at(block); }
void bf16(Bytes block, float* out) { *out = bfloat16_to_float(load<uint16_t>(block)); }

struct Format {
  GgufType type;
  void (*block)(Bytes, float*);
};
constexpr std::array<Format, 22> kFormats = {{{GgufType::F32, f32},
                                              {GgufType::F16, f16},
                                              {GgufType::BF16, bf16},
                                              {GgufType::Q4_0, q4_0},
                                              {GgufType::Q4_1, q4_1},
                                              {GgufType::Q5_0, q5_0},
                                              {GgufType::Q5_1, q5_1},
                                              {GgufType::Q8_0, q8_0},
                                              {GgufType::Q4_K, q4_k},
                                              {GgufType::Q5_K, q5_k},
                                              {GgufType::Q6_K, q6_k},
                                              {GgufType::Q2_K, q2_k},
                                              {GgufType::Q3_K, q3_k},
                                              {GgufType::IQ1_S, dequantize_iq1_s},
                                              {GgufType::IQ1_M, dequantize_iq1_m},
                                              {GgufType::IQ2_XXS, dequantize_iq2_xxs},
                                              {GgufType::IQ2_XS, dequantize_iq2_xs},
                                              {GgufType::IQ2_S, dequantize_iq2_s},
                                              {GgufType::IQ3_XXS, dequantize_iq3_xxs},
                                              {GgufType::IQ3_S, dequantize_iq3_s},
                                              {GgufType::IQ4_NL, dequantize_iq4_nl},
                                              {GgufType::IQ4_XS, dequantize_iq4_xs}}};

const Format* find_format(GgufType type) {
  for (const Format& format : kFormats)
    if (format.type == type) return &format;
  return nullptr;
}

}  // namespace

bool can_dequantize(GgufType type) { return find_format(type) != nullptr; }

void gguf_dequantize(GgufType type, std::span<const std::byte> blocks, std::span<float> values) {
  const Format* format = find_format(type);
  const GgufTypeInfo* info = gguf_type_info(type);
  assert(format && info && values.size() % info->block_elements == 0);
  assert(blocks.size() == values.size() / info->block_elements * info->block_bytes);
  auto* block = reinterpret_cast<Bytes>(blocks.data());
  float* out = values.data();
  for (size_t i = 0; i < values.size(); i += info->block_elements) {
    format->block(block, out + i);
    block += info->block_bytes;
  }
}

}  // namespace collie
