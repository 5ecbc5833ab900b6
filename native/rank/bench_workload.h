// What collie-rank bench trains on: model shapes with random weights, documents of random tokens.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/model/model_config.h"
#include "engine/model/batch.h"

namespace collie {

// Names of the known shapes.
std::vector<std::string> bench_shapes();
// smollm2-135m (SmolLM2-135M), 1b (Llama 3.2 1B), 8b (Llama 3.1 8B).
ModelConfig bench_shape(const std::string& name);

// Micro-batches of `batch` documents each, in the order of `lengths`; every token but the first of a document is a target.
std::vector<PackedBatch> bench_batches(const std::vector<int64_t>& lengths, int64_t batch, int64_t vocab_size,
                                       uint64_t seed);

}  // namespace collie
