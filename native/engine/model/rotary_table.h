// Cosines and sines of rotary position embeddings (Su et al. 2021, arXiv 2104.09864), with the scalings of config.json.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "core/model/model_config.h"

namespace collie {

struct RotaryTable {
  at::Tensor cos, sin;  // fp32 [rows, rotary dimensions / 2]
};

enum class DocumentLength { within_original, beyond_original };  // of longrope, which has divisors for each

// Inverse frequencies, rotary_dim / 2 of them, in fp32 as transformers computes them.
std::vector<float> inverse_frequencies(const RopeConfig& rope, int64_t rotary_dim,
                                       DocumentLength length = DocumentLength::within_original);
// On the CPU. Rows beyond `positions` are those of documents beyond the original length (core/plan/model_layout.h, rope_rows).
RotaryTable make_rotary_table(const RopeConfig& rope, int64_t rotary_dim, int64_t positions, int64_t rows);

}  // namespace collie
