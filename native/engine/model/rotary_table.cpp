#include "engine/model/rotary_table.h"

#include <ATen/ops/empty.h>

#include <algorithm>
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

// Where the wavelength of pair i makes this many rotations within the original length.
double rotations_at(double rotations, const RopeConfig& r, int64_t dim) {
  const double original = static_cast<double>(r.original_max_position);
  return static_cast<double>(dim) * std::log(original / (rotations * 2 * std::numbers::pi)) / (2 * std::log(r.theta));
}

// YaRN: pairs that rotate often keep their frequency, those that rotate less than once are interpolated, a ramp lies between.
void scale_yarn(std::vector<float>& frequencies, const RopeConfig& r, int64_t dim) {
  double low = rotations_at(r.beta_fast, r, dim), high = rotations_at(r.beta_slow, r, dim);
  if (r.truncate) {
    low = std::floor(low);
    high = std::ceil(high);
  }
  low = std::max(low, 0.0);
  high = std::min(high, static_cast<double>(dim - 1));
  if (low == high) high += 0.001;
  for (size_t i = 0; i < frequencies.size(); ++i) {
    const double ramp = std::clamp((static_cast<double>(i) - low) / (high - low), 0.0, 1.0), f = frequencies[i];
    frequencies[i] = static_cast<float>(f / r.factor * ramp + f * (1 - ramp));
  }
}

void fill(RotaryTable& table, int64_t first_row, int64_t rows, const std::vector<float>& frequencies, double factor) {
  const auto half = static_cast<int64_t>(frequencies.size());
  float* cosine = table.cos.mutable_data_ptr<float>() + first_row * half;
  float* sine = table.sin.mutable_data_ptr<float>() + first_row * half;
  for (int64_t p = 0; p < rows; ++p)
    for (int64_t j = 0; j < half; ++j) {
      const float angle = static_cast<float>(p) * frequencies[static_cast<size_t>(j)];
      cosine[p * half + j] = static_cast<float>(std::cos(static_cast<double>(angle)) * factor);
      sine[p * half + j] = static_cast<float>(std::sin(static_cast<double>(angle)) * factor);
    }
}

}  // namespace

// Dynamic scaling changes nothing up to the length that the model was made for, and there is no run beyond it.
std::vector<float> inverse_frequencies(const RopeConfig& rope, int64_t rotary_dim, DocumentLength length) {
  std::vector<float> frequencies;
  for (int64_t i = 0; i < rotary_dim; i += 2) {
    const double exponent = static_cast<double>(i) / static_cast<double>(rotary_dim);
    float frequency = static_cast<float>(1.0 / std::pow(rope.theta, exponent));
    if (rope.scaling == RopeScaling::linear) frequency = static_cast<float>(frequency / rope.factor);
    if (rope.scaling == RopeScaling::llama3) frequency = scale_llama3(frequency, rope);
    if (rope.scaling == RopeScaling::longrope) {
      const std::vector<double>& divisors =
          length == DocumentLength::within_original ? rope.short_factor : rope.long_factor;
      frequency = static_cast<float>(1.0 / (divisors.at(static_cast<size_t>(i / 2)) * std::pow(rope.theta, exponent)));
    }
    frequencies.push_back(frequency);
  }
  if (rope.scaling == RopeScaling::yarn) scale_yarn(frequencies, rope, rotary_dim);
  return frequencies;
}

RotaryTable make_rotary_table(const RopeConfig& rope, int64_t rotary_dim, int64_t positions, int64_t rows) {
  const at::TensorOptions fp32 = at::TensorOptions().dtype(at::kFloat);
  RotaryTable table{at::empty({rows, rotary_dim / 2}, fp32), at::empty({rows, rotary_dim / 2}, fp32)};
  fill(table, 0, positions, inverse_frequencies(rope, rotary_dim), rope.attention_factor);
  if (rows > positions)
    fill(table, positions, rows - positions, inverse_frequencies(rope, rotary_dim, DocumentLength::beyond_original),
         rope.attention_factor);
  return table;
}

}  // namespace collie
