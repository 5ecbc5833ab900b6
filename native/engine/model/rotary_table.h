// Cosines and sines of rotary position embeddings (Su et al. 2021, arXiv 2104.09864), with the scalings of config.json.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "core/model/model_config.h"

namespace collie {

struct RotaryTable {
  at::Tensor cos, sin;  // fp32 [positions, head_dim / 2], on the CPU
};

// Inverse frequencies, head_dim / 2 of them, in fp32 as transformers computes them.
std::vector<float> inverse_frequencies(const ModelConfig& config);
RotaryTable make_rotary_table(const ModelConfig& config, int64_t positions);

}  // namespace collie
