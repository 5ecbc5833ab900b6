// A Llama in plain ATen operations under autograd: the oracle that the decoder's explicit gradients are checked against.
#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "core/base/dtype.h"
#include "engine/model/decoder.h"

namespace collie::test {

using Weights = std::map<std::string, at::Tensor>;

struct TinyOptions {
  bool tied = true;
  int64_t window = 0;
  RopeScaling scaling = RopeScaling::none;
  int64_t head_dim = 16;
};
ModelConfig tiny_config(const TinyOptions& options = {});

// Random weights under Hugging Face names.
Weights random_weights_of(const ModelConfig& config, uint64_t seed);
// A model folder with these weights; `dtype` is what they are stored as. Removed with the object.
class ModelFolderOnDisk {
 public:
  ModelFolderOnDisk(const Weights& weights, DType dtype);
  ~ModelFolderOnDisk();
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// Documents of these lengths; every third position has no target.
PackedBatch random_batch(const ModelConfig& config, const std::vector<int64_t>& lengths, uint64_t seed);
// One document of a batch as a batch.
PackedBatch document_of(const PackedBatch& batch, size_t index);

// [N, vocab] under autograd. Adapter tensors are found by name in `weights`; `scale` is alpha / rank.
at::Tensor reference_logits(const ModelConfig& config, const Weights& weights, const PackedBatch& batch, double scale);
// Sum of cross entropies over targets.
at::Tensor reference_loss(const ModelConfig& config, const Weights& weights, const PackedBatch& batch, double scale);

// Specs of methods with these settings.
MethodSpec lora_method(int64_t rank, double alpha, double dropout, const std::vector<std::string>& targets);
MethodSpec full_method();

// |a - b| / |b| over all elements.
double relative_error(const at::Tensor& a, const at::Tensor& b);

}  // namespace collie::test
