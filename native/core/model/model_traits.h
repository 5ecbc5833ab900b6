// What makes one decoder family another: the description that layers, memory forecast, parameter counts, PEFT targets, tensor-parallel
// cuts, import and export read. The rows of core/model/families fill it from config.json. Defaults are Llama's.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace collie {

enum class RopeScaling { none, linear, dynamic, llama3, yarn, longrope };

// How positions become angles. Legend: r rotary dimensions of a head.
struct RopeConfig {
  double theta = 10000.0;
  RopeScaling scaling = RopeScaling::none;
  double factor = 1.0;
  // llama3 only (Llama 3.1 "rope_type": "llama3")
  double low_freq_factor = 1.0;
  double high_freq_factor = 4.0;
  int64_t original_max_position = 8192;
  // yarn only (Peng et al. 2023, arXiv 2309.00071)
  double beta_fast = 32.0, beta_slow = 1.0;
  bool truncate = true;
  // longrope only (Ding et al. 2024, arXiv 2402.13753): divisors of the r / 2 frequencies, up to original_max_position and beyond.
  std::vector<double> short_factor = {}, long_factor = {};
  double attention_factor = 1.0;  // of cosines and sines
  bool operator==(const RopeConfig&) const = default;
};

// Which pairs of a head's elements rotate together: i with i + r / 2 (Llama, GPT-NeoX), or 2 i with 2 i + 1 (GPT-J, GLM).
enum class RotaryPairs { half, adjacent };

enum class Activation { silu, gelu_tanh, gelu_erf, relu };

// rms: x rsqrt(mean x^2 + eps). layer: the same of x - mean x.
enum class NormKind { rms, layer };

// Norms of queries and keys before they rotate: one over each head, or one over all heads at once.
enum class QkNorm { none, per_head, whole };

// What one layer's attention sees.
struct LayerKind {
  static constexpr int64_t kNoRotary = -1;
  int64_t window = 0;  // a query at i sees keys j with i - window < j <= i; 0: all j <= i
  int64_t rope = 0;    // which of ModelConfig::ropes; kNoRotary: positions do not count
  bool operator==(const LayerKind&) const = default;
};

struct ModelTraits {
  NormKind norm = NormKind::rms;
  // The normed values times norm_offset + w; Gemma stores w - 1.
  double norm_offset = 0;
  bool norm_bias = false;  // of all norms of the residual stream
  // Where a layer has norms, by the names of their modules; empty: none there. Before attention and MLP, and of what they give.
  std::string attention_norm = "input_layernorm", attention_out_norm = {};
  std::string mlp_norm = "post_attention_layernorm", mlp_out_norm = {};
  QkNorm qk_norm = QkNorm::none;
  // Attention and MLP both take the layer's input (GPT-J); without a norm of its own the MLP takes what attention's norm gives.
  bool parallel = false;

  bool qkv_bias = false, o_bias = false, mlp_bias = false;

  RotaryPairs pairs = RotaryPairs::half;
  double rotary_share = 1;       // of a head that rotates
  double attention_scale = 0;    // of scores; 0: 1 / sqrt(head_dim)
  double attention_softcap = 0;  // scores become c tanh(score / c); 0: none

  Activation activation = Activation::silu;
  bool gated = true;  // down(activation(gate x) up x), else down(activation(up x))

  bool learned_positions = false;  // a table of max_position vectors, added to the embeddings
  double embedding_scale = 1;
  bool embedding_scale_rounded = false;  // to the format that computes, as Gemma does
  bool scales_prompts = false;           // vectors of virtual tokens are scaled as embeddings are
  double residual_scale = 1;             // of what a block adds to the residual stream
  double logit_scale = 1;
  double logit_softcap = 0;
  bool head_bias = false;
};

}  // namespace collie
