// Layouts of a block of 256, little-endian and without padding; d: fp16 scale. A code is the place of 8 values (IQ3: 4) in a grid.
//   IQ2_XXS  d {codes[4], u32: 4 signs of 7 bits, 4-bit scale}[8]      x = d (s + 1/2) / 4 * grid * sign
//   IQ2_XS   d {u16: 9-bit code, 7 bits of signs}[32] scales[8]        IQ2_S  d codes[32] signs[32] qh[8] scales[8]
//   IQ3_XXS  d codes[64] {u32: as IQ2_XXS}[8]  x = d (s + 1/2) / 2 * grid * sign
//   IQ3_S    d codes[64] qh[8] signs[32] scales[4]                     x = d (2 s + 1) * grid * sign
//   IQ1_S    d codes[32] {u16: 4 times 3 code bits, 3-bit scale, sign of delta}[8]   x = d (2 s + 1) (grid +- 1/8)
//   IQ1_M    codes[32] qh[16] {u16: 4 scales of 3 bits, 4 bits of d}[4]
//   IQ4_NL   (of 32) d qs[16]     IQ4_XS  d scales_h[2] scales_l[4] qs[128]          x = d (s - 32) * table
#include "core/formats/gguf_codebooks.h"

#include <array>
#include <bit>
#include <cstring>
#include <string_view>
#include <vector>

#include "core/base/float_bits.h"

namespace collie {

namespace {

#include "core/formats/gguf_grids.inc"

using Bytes = const uint8_t*;

template <typename T>
T load(Bytes bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof(T));
  return value;
}

float half_at(Bytes bytes) { return half_to_float(load<uint16_t>(bytes)); }

constexpr std::array<float, 4> kTwos = {0x08, 0x19, 0x2b, 0};
constexpr std::array<float, 4> kOnes = {-1, 0, 1, 0};
constexpr std::array<float, 8> kThreesXxs = {0x04, 0x0c, 0x14, 0x1c, 0x24, 0x2c, 0x34, 0x3e};
constexpr std::array<float, 8> kThreesS = {0x01, 0x03, 0x05, 0x07, 0x09, 0x0b, 0x0d, 0x0f};
constexpr std::array<float, 16> kSteps = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

int digit(char c) { return c <= '9' ? c - '0' : c - 'a' + 10; }

// The values of a grid in order: four or two of them in each byte of the text, low bits first.
template <size_t Values>
std::vector<float> unpack(std::string_view hex, const std::array<float, Values>& values) {
  constexpr int kBits = Values == 4 ? 2 : 4;
  std::vector<float> grid;
  grid.reserve(hex.size() / 2 * (8 / kBits));
  for (size_t at = 0; at < hex.size(); at += 2) {
    const int byte = digit(hex[at]) << 4 | digit(hex[at + 1]);
    for (int shift = 0; shift < 8; shift += kBits)
      grid.push_back(values[static_cast<size_t>(byte >> shift) & (Values - 1)]);
  }
  return grid;
}

// Seven bits are signs of seven values; that of the eighth makes their number even.
uint8_t even_signs(uint32_t seven) {
  const auto low = static_cast<uint8_t>(seven & 127);
  return static_cast<uint8_t>(low | (std::popcount(low) & 1) << 7);
}

void signed_values(float scale, const float* grid, int count, uint32_t signs, float* out) {
  for (int i = 0; i < count; ++i) out[i] = scale * grid[i] * ((signs >> i) & 1 ? -1.0f : 1.0f);
}

float step_value(int nibble) { return kSteps[static_cast<size_t>(nibble)]; }

}  // namespace

void dequantize_iq2_xxs(Bytes block, float* out) {
  static const std::vector<float> grid = unpack(kIq2Xxs, kTwos);
  const float d = half_at(block);
  for (int group = 0; group < 8; ++group) {
    Bytes codes = block + 2 + group * 8;
    const auto packed = load<uint32_t>(codes + 4);
    const float scale = d * (0.5f + static_cast<float>(packed >> 28)) * 0.25f;
    for (int k = 0; k < 4; ++k)
      signed_values(scale, grid.data() + codes[k] * 8, 8, even_signs(packed >> (7 * k)), out + group * 32 + k * 8);
  }
}

void dequantize_iq2_xs(Bytes block, float* out) {
  static const std::vector<float> grid = unpack(kIq2Xs, kTwos);
  const float d = half_at(block);
  Bytes scales = block + 66;
  for (int k = 0; k < 32; ++k) {
    const auto code = load<uint16_t>(block + 2 + k * 2);
    const float scale = d * (0.5f + static_cast<float>((scales[k / 4] >> (k / 2 % 2 * 4)) & 15)) * 0.25f;
    signed_values(scale, grid.data() + (code & 511) * 8, 8, even_signs(code >> 9), out + k * 8);
  }
}

void dequantize_iq2_s(Bytes block, float* out) {
  static const std::vector<float> grid = unpack(kIq2S, kTwos);
  const float d = half_at(block);
  Bytes codes = block + 2, signs = block + 34, high = block + 66, scales = block + 74;
  for (int k = 0; k < 32; ++k) {
    const int code = codes[k] | ((high[k / 4] >> (k % 4 * 2)) & 3) << 8;
    const float scale = d * (0.5f + static_cast<float>((scales[k / 4] >> (k / 2 % 2 * 4)) & 15)) * 0.25f;
    signed_values(scale, grid.data() + code * 8, 8, signs[k], out + k * 8);
  }
}

void dequantize_iq3_xxs(Bytes block, float* out) {
  static const std::vector<float> grid = unpack(kIq3Xxs, kThreesXxs);
  const float d = half_at(block);
  for (int group = 0; group < 8; ++group) {
    const auto packed = load<uint32_t>(block + 66 + group * 4);
    const float scale = d * (0.5f + static_cast<float>(packed >> 28)) * 0.5f;
    for (int k = 0; k < 8; ++k) {
      const uint8_t signs = even_signs(packed >> (7 * (k / 2)));
      const float* values = grid.data() + block[2 + group * 8 + k] * 4;
      signed_values(scale, values, 4, signs >> (k % 2 * 4), out + group * 32 + k * 4);
    }
  }
}

void dequantize_iq3_s(Bytes block, float* out) {
  static const std::vector<float> grid = unpack(kIq3S, kThreesS);
  const float d = half_at(block);
  Bytes codes = block + 2, high = block + 66, signs = block + 74, scales = block + 106;
  for (int k = 0; k < 64; ++k) {
    const int code = codes[k] | ((high[k / 8] >> (k % 8)) & 1) << 8;
    const int step = (scales[k / 16] >> (k / 8 % 2 * 4)) & 15;
    const float scale = d * static_cast<float>(1 + 2 * step);
    signed_values(scale, grid.data() + code * 4, 4, signs[k / 2] >> (k % 2 * 4), out + k * 4);
  }
}

namespace {

// IQ1: `code` of 11 bits, values shifted by an eighth up or down.
void shifted_values(float scale, int code, bool down, float* out) {
  static const std::vector<float> grid = unpack(kIq1, kOnes);
  const float delta = down ? -0.125f : 0.125f;
  for (int i = 0; i < 8; ++i) out[i] = scale * (grid[static_cast<size_t>(code * 8 + i)] + delta);
}

}  // namespace

void dequantize_iq1_s(Bytes block, float* out) {
  const float d = half_at(block);
  for (int group = 0; group < 8; ++group) {
    const auto high = load<uint16_t>(block + 34 + group * 2);
    const float scale = d * static_cast<float>(2 * ((high >> 12) & 7) + 1);
    for (int k = 0; k < 4; ++k) {
      const int code = block[2 + group * 4 + k] | ((high >> (3 * k)) & 7) << 8;
      shifted_values(scale, code, (high & 0x8000) != 0, out + group * 32 + k * 8);
    }
  }
}

void dequantize_iq1_m(Bytes block, float* out) {
  Bytes high = block + 32, scales = block + 48;
  uint32_t bits = 0;
  for (int i = 0; i < 4; ++i) bits |= static_cast<uint32_t>(load<uint16_t>(scales + i * 2) >> 12) << (4 * i);
  const float d = half_to_float(static_cast<uint16_t>(bits));
  for (int k = 0; k < 32; ++k) {
    const int nibble = (high[k / 2] >> (k % 2 * 4)) & 15;
    const int step = (load<uint16_t>(scales + k / 8 * 2) >> (k / 2 % 4 * 3)) & 7;
    const float scale = d * static_cast<float>(2 * step + 1);
    shifted_values(scale, block[k] | (nibble & 7) << 8, (nibble & 8) != 0, out + k * 8);
  }
}

void dequantize_iq4_nl(Bytes block, float* out) {
  const float d = half_at(block);
  for (int i = 0; i < 16; ++i) {
    out[i] = d * step_value(block[2 + i] & 15);
    out[i + 16] = d * step_value(block[2 + i] >> 4);
  }
}

void dequantize_iq4_xs(Bytes block, float* out) {
  const float d = half_at(block);
  const auto high = load<uint16_t>(block + 2);
  for (int group = 0; group < 8; ++group) {
    const int low = (block[4 + group / 2] >> (group % 2 * 4)) & 15;
    const float scale = d * static_cast<float>((low | ((high >> (2 * group)) & 3) << 4) - 32);
    Bytes nibbles = block + 8 + group * 16;
    for (int i = 0; i < 16; ++i) {
      out[group * 32 + i] = scale * step_value(nibbles[i] & 15);
      out[group * 32 + 16 + i] = scale * step_value(nibbles[i] >> 4);
    }
  }
}

}  // namespace collie
