// Which rows of a GGUF file's tensors become which rows of a Hugging Face folder's.
#pragma once

#include <cstdint>
#include <vector>

#include "core/formats/gguf.h"
#include "core/formats/safetensors.h"
#include "core/model/model_config.h"
#include "core/model/model_names.h"

namespace collie {

// One of our tensors: in the GGUF file rows [first, first + rows) of `source`, in the folder `target`. A vector's elements are its rows.
struct GgufPart {
  const GgufTensor* source = nullptr;
  int64_t first = 0, rows = 0;
  // llama.cpp stores the rows of a query or key head so that rotary pairs are neighbours (2i, 2i + 1); Hugging Face pairs i with
  // i + head_dim / 2. Not 0: so many heads have that order.
  int64_t heads = 0;
  double shift = 0;  // to be added: norms are stored as 1 + w
  RowBlocks target = {};

  // Row of `source` that is row `row` of ours.
  int64_t source_row(int64_t row) const;
};

// A tensor of the folder, in bf16. `transposed`: its columns are our rows.
struct GgufTarget {
  TensorSpec spec;
  bool transposed = false;
  std::vector<GgufPart> parts;
};

// Throws model.missing_tensor, model.bad_tensor (shape), gguf.unsupported_type, model.unsupported_feature (a tensor that the architecture
// does not have: leaving a weight out would change the model in silence).
std::vector<GgufTarget> map_gguf_tensors(const GgufFile& file, const ModelConfig& config);

}  // namespace collie
