// Filling weights: from a Hugging Face folder, or at random.
#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "core/grid/parallel.h"
#include "core/model/model_config.h"
#include "core/plan/parameter_owners.h"
#include "engine/model/random_source.h"

namespace collie {

// A weight by its logical name (core/model/model_names.h), which part of it, and where that goes (any storage, any device). `loaded` is called when it is there, before
// the next one is read: destinations of quantized weights share a buffer.
struct WeightSlot {
  std::string name;
  at::Tensor destination;
  Slice slice = {};
  Ownership ownership = {};
  double start = 1;  // of a vector in a model that starts at random: norms leave values as they are, biases add nothing
  std::function<void()> loaded = {};
  // Takes the whole tensor instead of `destination`, where a part cannot be made from itself alone: blocks of quantized weights have
  // statistics of the whole. Any format, on the CPU; it is gone afterwards.
  std::function<void(const at::Tensor& whole)> take = {};
};

// Reads every slot. BF16, F16 and F32 files are converted to the slot's format. Throws what core/formats/safetensors.h says, and
// model.bad_tensor for another dtype.
void read_weights(const std::filesystem::path& folder, const ModelConfig& config, const std::vector<WeightSlot>& slots,
                  const std::function<void(double fraction)>& progress);

// Normal with standard deviation 0.02; vectors as they start.
void random_weights(const std::vector<WeightSlot>& slots, uint64_t seed, RandomSource source);

}  // namespace collie
