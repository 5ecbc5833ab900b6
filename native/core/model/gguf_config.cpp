#include "core/model/gguf_config.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <optional>
#include <vector>

#include "core/base/error.h"
#include "core/formats/gguf_dequantize.h"
#include "core/model/families/family.h"
#include "core/model/gguf_keys.h"

namespace collie {

using nlohmann::json;
using nlohmann::ordered_json;
using namespace gguf_keys;

namespace {

std::string known_architectures() {
  std::string known;
  for (const Family& family : families())
    if (family.gguf.architecture) known += (known.empty() ? "" : ", ") + std::string(family.gguf.architecture);
  return known;
}

const Family& family_in(const GgufFile& file) {
  const std::string architecture = file.architecture();
  if (const Family* found = find_gguf_family(architecture)) return *found;
  const std::string known = known_architectures();
  throw Error("model.unknown_architecture",
              architecture.empty() ? "This GGUF file names no architecture." : "The GGUF architecture " + architecture + " is not known.",
              "Known GGUF architectures: " + known + ".", {{"architecture", architecture}, {"known", known}});
}

void refuse_unsupported(const GgufFile& file, const Family& family) {
  const std::string prefix = family.gguf.architecture + std::string(".");
  if (integer(file, prefix + "expert_count", 0) > 0) fail_feature("experts (" + prefix + "expert_count)");
  if (family.gguf.configure) return;
  for (const char* key : {"embedding_scale", "residual_scale", "logit_scale", "attention.scale"})
    if (number(file, prefix + key, 0.0) != 0.0) fail_feature("scaled activations (" + prefix + key + ")");
}

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

json scaling_from_divisors(const GgufTensor& tensor, double theta, int64_t head_dim) {
  const auto count = static_cast<size_t>(head_dim / 2);
  if (tensor.type != GgufType::F32 || tensor.elements() != head_dim / 2)
    fail_feature("a tensor rope_freqs.weight that is not " + std::to_string(count) + " fp32 numbers");
  std::vector<float> divisors(count);
  gguf_dequantize(tensor.type, tensor.bytes, divisors);
  std::vector<double> waves(count);
  for (size_t i = 0; i < count; ++i)
    waves[i] = 2 * std::numbers::pi * std::pow(theta, 2 * static_cast<double>(i) / static_cast<double>(head_dim));
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

json rope_scaling(const GgufFile& file, const std::string& prefix, double theta, int64_t head_dim) {
  const json* type = file.find(prefix + "rope.scaling.type");
  const double old_style = number(file, prefix + "rope.scale_linear", 1.0);
  const std::string name = type && type->is_string() ? type->get<std::string>() : old_style != 1.0 ? "linear" : "none";
  const GgufTensor* divisors = file.find_tensor("rope_freqs.weight");
  if (name != "none" && name != "linear") fail_feature("the rotary scaling \"" + name + "\"");
  if (name == "none") return divisors ? scaling_from_divisors(*divisors, theta, head_dim) : json(nullptr);
  if (divisors) fail_feature("linear rotary scaling together with rope_freqs.weight");
  return {{"rope_type", "linear"}, {"factor", number(file, prefix + "rope.scaling.factor", old_style)}};
}

json token_id(const GgufFile& file, const char* key) {
  const json* value = file.find(key);
  return value && value->is_number_integer() ? *value : json(nullptr);
}

}  // namespace

ordered_json gguf_model_config(const GgufFile& file) {
  const Family& family = family_in(file);
  const std::string prefix = family.gguf.architecture + std::string(".");
  refuse_unsupported(file, family);
  const GgufTensor* embedding = file.find_tensor("token_embd.weight");
  if (!embedding || embedding->shape.size() != 2)
    throw Error("model.missing_tensor", "The GGUF file has no matrix token_embd.weight.",
                "Choose another file of this model.", {{"tensor", "token_embd.weight"}});
  const int64_t heads = integer(file, prefix + "attention.head_count");
  const int64_t width = integer(file, prefix + "embedding_length");
  if (heads == 0) fail_key(prefix + "attention.head_count", "is 0");
  const int64_t head_dim = integer(file, prefix + "attention.key_length", width / heads);
  if (integer(file, prefix + "attention.value_length", head_dim) != head_dim)
    fail_feature("values of another width than keys");
  if (integer(file, prefix + "rope.dimension_count", head_dim) != head_dim)
    fail_feature("partial rotary embedding (" + prefix + "rope.dimension_count)");
  const double theta = number(file, prefix + "rope.freq_base", 10000.0);

  ordered_json config;
  config["architectures"] = {family.architecture};
  config["model_type"] = family.family;
  config["hidden_size"] = width;
  config["intermediate_size"] = integer(file, prefix + "feed_forward_length");
  config["num_hidden_layers"] = integer(file, prefix + "block_count");
  config["num_attention_heads"] = heads;
  config["num_key_value_heads"] = integer(file, prefix + "attention.head_count_kv", heads);
  config["head_dim"] = head_dim;
  config["max_position_embeddings"] = integer(file, prefix + "context_length");
  config["rms_norm_eps"] = number(file, prefix + "attention.layer_norm_rms_epsilon");
  config["rope_theta"] = theta;
  config["rope_scaling"] = rope_scaling(file, prefix, theta, head_dim);
  if (family.biases == Biases::settable) {
    config["attention_bias"] = file.find_tensor("blk.0.attn_output.bias") != nullptr;
    config["mlp_bias"] = file.find_tensor("blk.0.ffn_down.bias") != nullptr;
  }
  config["tie_word_embeddings"] = file.find_tensor("output.weight") == nullptr;
  config["vocab_size"] = embedding->shape[0];
  config["bos_token_id"] = token_id(file, "tokenizer.ggml.bos_token_id");
  config["eos_token_id"] = token_id(file, "tokenizer.ggml.eos_token_id");
  config["pad_token_id"] = token_id(file, "tokenizer.ggml.padding_token_id");
  config["torch_dtype"] = "bfloat16";
  if (family.gguf.configure) family.gguf.configure(file, config);
  ModelConfig::parse(json(config));  // whatever is impossible is said here, before any tensor is converted
  return config;
}

}  // namespace collie
