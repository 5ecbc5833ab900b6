#include "core/model/gguf_rope.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <optional>
#include <string_view>
#include <vector>

#include "core/base/decimal.h"
#include "core/formats/gguf_dequantize.h"
#include "core/model/gguf_keys.h"

namespace collie {

using nlohmann::json;
using namespace gguf_keys;

namespace {

constexpr std::string_view kDivisors = "rope_freqs.weight", kShort = "rope_factors_short.weight",
                           kLong = "rope_factors_long.weight";

// llama3 scaling (Llama 3.1, "rope_type": "llama3"): what a frequency is divided by, for its wave length.
struct Llama3Scaling {
  double factor, low, high, original;
  double divisor(double wave_length) const {
    if (wave_length < original / high) return 1;
    if (wave_length > original / low) return factor;
    const double smooth = (original / wave_length - low) / (high - low);
    return 1 / ((1 - smooth) / factor + smooth);
  }
};

bool explains(const Llama3Scaling& scaling, const std::vector<double>& waves, const std::vector<float>& divisors) {
  for (size_t i = 0; i < waves.size(); ++i)
    if (std::abs(scaling.divisor(waves[i]) - divisors[i]) > 1e-4 * divisors[i]) return false;
  return true;
}

// rope_freqs.weight holds only the divisors; the settings they came from are found again. Between the two corners
// 1/divisor is linear in 1/wave length, so the first and last point there give low and high relative to the original
// context. That one is not in the file and only scales the other two: 8192 is what every published model has, and any
// value gives the same divisors.
std::optional<Llama3Scaling> fit_llama3(const std::vector<double>& waves, const std::vector<float>& divisors) {
  constexpr double kOriginal = 8192;
  const double factor = *std::max_element(divisors.begin(), divisors.end());
  const Llama3Scaling usual{factor, 1, 4, kOriginal};
  if (explains(usual, waves, divisors)) return usual;

  std::vector<size_t> between;
  for (size_t i = 0; i < waves.size(); ++i)
    if (divisors[i] > 1 + 1e-4 && divisors[i] < factor * (1 - 1e-4)) between.push_back(i);
  if (between.size() < 2) return std::nullopt;
  const auto smooth = [&](size_t i) { return (1 / divisors[i] - 1 / factor) / (1 - 1 / factor); };
  const size_t first = between.front(), last = between.back();
  const double slope = (smooth(first) - smooth(last)) / (1 / waves[first] - 1 / waves[last]);
  const double offset = slope / waves[first] - smooth(first);
  if (!(slope > 0) || !(offset > 0)) return std::nullopt;
  const double span = kOriginal / slope;
  const auto tidy = [](double value) { return std::round(value * 1e4) / 1e4; };
  const Llama3Scaling fitted{factor, tidy(offset * span), tidy((offset + 1) * span), kOriginal};
  if (explains(fitted, waves, divisors)) return fitted;
  return std::nullopt;
}

std::vector<float> numbers_of(const GgufTensor& tensor, int64_t turning) {
  const auto count = static_cast<size_t>(turning / 2);
  if (tensor.type != GgufType::F32 || tensor.elements() != turning / 2)
    fail_feature("a tensor " + tensor.name + " that is not " + std::to_string(count) + " fp32 numbers");
  std::vector<float> values(count);
  gguf_dequantize(tensor.type, tensor.bytes, values);
  return values;
}

json scaling_from_divisors(const GgufTensor& tensor, double theta, int64_t turning) {
  const std::vector<float> divisors = numbers_of(tensor, turning);
  std::vector<double> waves(divisors.size());
  for (size_t i = 0; i < waves.size(); ++i)
    waves[i] = 2 * std::numbers::pi * std::pow(theta, 2 * static_cast<double>(i) / static_cast<double>(turning));
  for (const float divisor : divisors)
    if (!(divisor >= 1 && std::isfinite(divisor)))
      fail_feature("rotary divisors that are no llama3 scaling (rope_freqs.weight)");
  if (std::all_of(divisors.begin(), divisors.end(), [](float divisor) { return divisor == 1; })) return nullptr;
  const auto scaling = fit_llama3(waves, divisors);
  if (!scaling) fail_feature("rotary divisors that are no llama3 scaling (rope_freqs.weight)");
  return {{"rope_type", "llama3"},
          {"factor", scaling->factor},
          {"low_freq_factor", scaling->low},
          {"high_freq_factor", scaling->high},
          {"original_max_position_embeddings", static_cast<int64_t>(scaling->original)}};
}

// llama.cpp computes the magnitude as transformers does by default; a file may repeat it, or say 1. The multiplier 1 of
// Mistral's models makes it 1 (transformers' mscale over mscale_all_dim); other ones mean different things in different architectures.
json yarn_scaling(const GgufFile& file, const std::string& prefix) {
  const double factor = number(file, prefix + "rope.scaling.factor");
  const double usual = factor <= 1 ? 1 : 0.1 * std::log(factor) + 1,
               given = number(file, prefix + "rope.scaling.attn_factor", usual);
  const auto near = [&](double value) { return std::abs(given - value) <= 1e-4 * value; };
  if (!near(usual) && !near(1)) fail_feature("a magnitude of its own (" + prefix + "rope.scaling.attn_factor)");
  json scaling = {{"rope_type", "yarn"},
                  {"factor", factor},
                  {"original_max_position_embeddings", integer(file, prefix + "rope.scaling.original_context_length")},
                  {"beta_fast", number(file, prefix + "rope.scaling.yarn_beta_fast", 32.0)},
                  {"beta_slow", number(file, prefix + "rope.scaling.yarn_beta_slow", 1.0)}};
  const double multiplier = number(file, prefix + "rope.scaling.yarn_log_multiplier", 0.0);
  if (multiplier == 1)
    scaling["mscale"] = scaling["mscale_all_dim"] = 1.0;
  else if (multiplier != 0)
    fail_feature("yarn with " + prefix + "rope.scaling.yarn_log_multiplier " + std::to_string(multiplier));
  return scaling;
}

json longrope_factors(const GgufTensor& tensor, int64_t turning) {
  json list = json::array();
  for (const float value : numbers_of(tensor, turning)) list.push_back(decimal_double(value));
  return list;
}

json longrope_scaling(const GgufFile& file, const std::string& prefix, int64_t turning) {
  const GgufTensor *few = file.find_tensor(std::string(kShort)), *many = file.find_tensor(std::string(kLong));
  if (!few || !many) fail_feature("longrope without " + std::string(few ? kLong : kShort));
  json scaling = {{"rope_type", "longrope"},
                  {"short_factor", longrope_factors(*few, turning)},
                  {"long_factor", longrope_factors(*many, turning)},
                  {"original_max_position_embeddings", integer(file, prefix + "rope.scaling.original_context_length")}};
  const double magnitude = number(file, prefix + "rope.scaling.attn_factor", 0.0);
  if (magnitude > 0) scaling["attention_factor"] = magnitude;
  return scaling;
}

}  // namespace

json gguf_rope_scaling(const GgufFile& file, const std::string& prefix, double theta, int64_t turning) {
  const json* type = file.find(prefix + "rope.scaling.type");
  const double old_style = number(file, prefix + "rope.scale_linear", 1.0);
  const bool lists = file.find_tensor(std::string(kShort)) || file.find_tensor(std::string(kLong));
  const std::string name = lists                       ? "longrope"
                           : type && type->is_string() ? type->get<std::string>()
                           : old_style != 1.0          ? "linear"
                                                       : "none";
  const GgufTensor* divisors = file.find_tensor(std::string(kDivisors));
  if (name == "none") return divisors ? scaling_from_divisors(*divisors, theta, turning) : json(nullptr);
  if (divisors) fail_feature(name + " rotary scaling together with rope_freqs.weight");
  if (name == "linear")
    return {{"rope_type", "linear"}, {"factor", number(file, prefix + "rope.scaling.factor", old_style)}};
  if (name == "yarn") return yarn_scaling(file, prefix);
  if (name == "longrope") return longrope_scaling(file, prefix, turning);
  fail_feature("the rotary scaling \"" + name + "\"");
}

bool is_gguf_rope_tensor(const std::string& name) { return name == kDivisors || name == kShort || name == kLong; }

}  // namespace collie
