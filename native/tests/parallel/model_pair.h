// A decoder that a tensor-parallel group shares, beside one that this rank has for itself: the oracle of the group.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/recipe/optimizer_rules.h"
#include "engine/model/decoder.h"
#include "engine/optim/optimizer.h"
#include "parallel/ranks.h"

namespace collie::test {

enum class Tables { tied, untied };

// A small Llama whose hidden, intermediate and vocabulary sizes divide by nothing.
ModelConfig odd_config(int64_t heads, int64_t kv_heads, Tables tables);
// One of odd_config() whose heads `tp_size` ranks can share, unevenly where that is possible.
ModelConfig config_for(int64_t tp_size, Tables tables);

// Documents of these lengths; every third position has no target.
PackedBatch documents(const ModelConfig& config, const std::vector<int64_t>& lengths, uint64_t seed);

OptimizerSpec optimizer_spec(const std::string& type);

// |a - b| / |b| over all elements; |a| when b is zero.
double distance(const at::Tensor& a, const at::Tensor& b);

class ModelPair {
 public:
  // `options` without a grid; the shared one gets that of the group.
  ModelPair(const ModelConfig& config, const DecoderOptions& options, const Parallel& grid);

  // Moves all trained tensors away from where they start: zeros would hide errors in gradients. The same numbers in both.
  void disturb(uint64_t seed);
  // Checks that every trained tensor of the group is its part of the whole one, to `bound`; `what` for messages.
  void check_weights(double bound, const std::string& what);
  void check_gradients(double bound);
  // Root of the sum of squares of all gradients, each counted once over the group.
  double gradient_norm(Kernels& kernels);

  std::unique_ptr<Decoder> whole, shared;
  Parallel grid;
};

}  // namespace collie::test
