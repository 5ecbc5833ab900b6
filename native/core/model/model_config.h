// What a Hugging Face config.json says about a decoder, checked and in our words.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

namespace collie {

enum class RopeScaling { none, linear, llama3 };

struct RopeConfig {
  double theta = 10000.0;
  RopeScaling scaling = RopeScaling::none;
  double factor = 1.0;
  // llama3 only (Llama 3.1 "rope_type": "llama3")
  double low_freq_factor = 1.0;
  double high_freq_factor = 4.0;
  int64_t original_max_position = 8192;
};

struct ModelConfig {
  std::string family;        // "llama" or "mistral"
  std::string architecture;  // "LlamaForCausalLM", ...
  int64_t hidden_size = 0;
  int64_t intermediate_size = 0;
  int64_t n_layers = 0;
  int64_t n_heads = 0;
  int64_t n_kv_heads = 0;
  int64_t head_dim = 0;
  int64_t vocab_size = 0;
  int64_t max_position = 0;
  double rms_norm_eps = 1e-5;
  RopeConfig rope;
  bool tied_embeddings = false;
  int64_t sliding_window = 0;  // 0: none. A query at i sees keys j with i - window < j <= i.

  // Throws model.bad_config (a key missing or impossible, with its name and value), model.unknown_architecture
  // (names it and the ones we know) or model.unsupported_feature (e.g. attention_bias, another activation).
  static ModelConfig parse(const nlohmann::json& config);
  // Reads <folder>/config.json; model.not_found when there is none.
  static ModelConfig load(const std::filesystem::path& folder);
};

// Elements of all weights, embeddings counted once when tied.
int64_t parameter_count(const ModelConfig& config);

}  // namespace collie
