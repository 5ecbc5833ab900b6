#include "core/formats/nf4.h"

#include <algorithm>
#include <cmath>

namespace collie::nf4 {
namespace {

std::array<float, 256> make_scale_map() {
  std::array<float, 256> map{};
  size_t filled = 0;
  constexpr int kExponents = 7;
  for (int exponent = 0; exponent < kExponents; ++exponent) {
    const int steps = 1 << exponent;  // of the fraction, from 0.1 to 1
    const auto power = static_cast<float>(std::pow(10.0, exponent - (kExponents - 1)));
    // Borders are made in fp32 from both ends, each rounded once, as PyTorch's linspace makes them.
    const float step = (1.0f - 0.1f) / static_cast<float>(steps);
    const auto border = [&](int i) {
      return i < (steps + 1) / 2 ? std::fma(step, static_cast<float>(i), 0.1f)
                                 : std::fma(-step, static_cast<float>(steps - i), 1.0f);
    };
    for (int i = 0; i < steps; ++i) {
      const float mean = (border(i) + border(i + 1)) / 2.0f;
      const float value = power * mean;
      map[filled++] = value;
      map[filled++] = -value;
    }
  }
  map[filled++] = 0.0f;
  map[filled++] = 1.0f;
  std::ranges::sort(map);
  return map;
}

}  // namespace

const std::array<float, 256>& scale_map() {
  static const std::array<float, 256> map = make_scale_map();
  return map;
}

}  // namespace collie::nf4
