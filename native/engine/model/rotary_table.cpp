#include "engine/model/rotary_table.h"

#include <ATen/ops/empty.h>

#include <cmath>
#include <numbers>

namespace collie {
namespace {

// Llama 3.1: long wavelengths are stretched by `factor`, short ones kept, those between interpolated.
float scale_llama3(float frequency, const RopeConfig& r) {
  const double wavelength = 2 * std::numbers::pi / frequency;
  const double original = static_cast<double>(r.original_max_position);
  if (wavelength < original / r.high_freq_factor) return frequency;
  if (wavelength > original / r.low_freq_factor) return static_cast<float>(frequency / r.factor);
  const double smooth = (original / wavelength - r.low_freq_factor) / (r.high_freq_factor - r.low_freq_factor);
  return static_cast<float>((1 - smooth) * frequency / r.factor + smooth * frequency);
}

}  // namespace

std::vector<float> inverse_frequencies(const ModelConfig& config) {
  std::vector<float> frequencies;
  for (int64_t i = 0; i < config.head_dim; i += 2) {
    const double exponent = static_cast<double>(i) / static_cast<double>(config.head_dim);
    float frequency = static_cast<float>(1.0 / std::pow(config.rope.theta, exponent));
    if (config.rope.scaling == RopeScaling::linear) frequency = static_cast<float>(frequency / config.rope.factor);
    if (config.rope.scaling == RopeScaling::llama3) frequency = scale_llama3(frequency, config.rope);
    frequencies.push_back(frequency);
  }
  return frequencies;
}

RotaryTable make_rotary_table(const ModelConfig& config, int64_t positions) {
  const std::vector<float> frequencies = inverse_frequencies(config);
  const int64_t half = static_cast<int64_t>(frequencies.size());
  const at::TensorOptions fp32 = at::TensorOptions().dtype(at::kFloat);
  RotaryTable table{at::empty({positions, half}, fp32), at::empty({positions, half}, fp32)};
  float* cosine = table.cos.mutable_data_ptr<float>();
  float* sine = table.sin.mutable_data_ptr<float>();
  for (int64_t p = 0; p < positions; ++p)
    for (int64_t j = 0; j < half; ++j) {
      const float angle = static_cast<float>(p) * frequencies[static_cast<size_t>(j)];
      cosine[p * half + j] = static_cast<float>(std::cos(static_cast<double>(angle)));
      sine[p * half + j] = static_cast<float>(std::sin(static_cast<double>(angle)));
    }
  return table;
}

}  // namespace collie
