// What a model folder holds, after checking that it can be trained.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "core/model/model_config.h"

namespace collie {

struct ModelSummary {
  ModelConfig config;
  int64_t parameters = 0;
  std::string dtype;  // the one most elements have
  uint64_t size_bytes = 0;
  std::vector<std::string> unused;  // tensors that the weight files have and the architecture has not
  int64_t other_modalities = 0;     // tensors of a vision or audio part, which is left out
};

// Checks config.json and the headers of all weight files: every tensor of the architecture is there, in its shape, in F32,
// F16 or BF16, and no file is shorter than its header says. Reads no weights. Throws what ModelConfig and ModelFolder throw, and
// model.unsupported_feature for another dtype.
ModelSummary summarize_model(const std::filesystem::path& folder);

}  // namespace collie
