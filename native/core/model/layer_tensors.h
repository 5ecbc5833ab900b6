// What one decoder layer consists of, without its prefix "model.layers.0.": linears and norms under their logical names. Everything that
// counts, cuts, names or allocates weights of layers starts here.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/model/model_config.h"

namespace collie {

struct LayerLinear {
  std::string module;  // "self_attn.q_proj"
  int64_t out = 0, in = 0;
  bool bias = false;
};

struct LayerNorm {
  std::string module;  // "input_layernorm"
  int64_t size = 0;
  bool bias = false;
};

// Of a part of the model: some query heads, key-value heads and intermediate channels.
struct LayerSizes {
  int64_t heads = 0, kv_heads = 0, intermediate = 0;
};
LayerSizes whole_layer(const ModelConfig& config);

std::vector<LayerLinear> layer_linears(const ModelConfig& config, const LayerSizes& sizes);
// Those that there are, in the order in which a layer computes them.
std::vector<LayerNorm> layer_norms(const ModelConfig& config, const LayerSizes& sizes);
int64_t layer_parameters(const ModelConfig& config);

// In no layer: the table of learned positions, where a family has one.
inline constexpr const char* kPositionTable = "model.embed_positions.weight";

inline constexpr const char* kQNorm = "self_attn.q_norm";
inline constexpr const char* kKNorm = "self_attn.k_norm";

}  // namespace collie
