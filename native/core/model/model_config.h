// What a Hugging Face config.json says about a decoder, checked and in our words.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/model/model_traits.h"

namespace collie {

struct ModelConfig {
  std::string family;        // "llama", "qwen2", ...: the row of core/model/families
  std::string architecture;  // "LlamaForCausalLM", ...
  int64_t hidden_size = 0;
  int64_t intermediate_size = 0;
  int64_t n_layers = 0;
  int64_t n_heads = 0;
  int64_t n_kv_heads = 0;
  int64_t head_dim = 0;
  int64_t vocab_size = 0;
  int64_t max_position = 0;
  double norm_eps = 1e-5;
  bool tied_embeddings = false;
  ModelTraits traits;
  std::vector<RopeConfig> ropes = {RopeConfig{}};
  std::vector<LayerKind> kinds = {};  // of every layer; empty: all are LayerKind{}

  LayerKind kind(int64_t layer) const { return kinds.empty() ? LayerKind{} : kinds.at(static_cast<size_t>(layer)); }
  int64_t widest_window() const;  // 0: there are layers without a window
  int64_t rotary_dim() const;     // elements of a head that rotate, an even number
  double attention_scale() const;

  // Throws model.bad_config (a key missing or impossible, with its name and value), model.unknown_architecture
  // (names it and the ones we know) or model.unsupported_feature (e.g. another activation).
  static ModelConfig parse(const nlohmann::json& config);
  // Reads <folder>/config.json; model.not_found when there is none.
  static ModelConfig load(const std::filesystem::path& folder);
};

// Of a config.json of several modalities that of its text model alone; any other as it is. Throws model.bad_config.
nlohmann::json text_config(const nlohmann::json& whole);

// Elements of all weights, embeddings counted once when tied.
int64_t parameter_count(const ModelConfig& config);

}  // namespace collie
