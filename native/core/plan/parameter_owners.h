// Who owns what under ZeRO (Rajbhandari et al. 2020, arXiv 1910.02054), by whole tensors: every update rule works then as it is, whether
// it looks at elements, rows or whole matrices.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/model/model_config.h"
#include "core/grid/parallel.h"
#include "core/recipe/peft_methods.h"

namespace collie {

// An owner among `ranks` for each of the tensors with so many elements: the largest first, each to the rank that has least, counting what
// `owners` says of those that have one already (-1: none yet). A pure function, the same on all ranks.
std::vector<int64_t> share_out(std::span<const int64_t> elements, std::vector<int64_t> owners, int64_t ranks);

// Which of the data-parallel ranks has the tensor that lasts of a weight, a master or a frozen one: all of them, or its owner alone.
struct Ownership {
  std::optional<int64_t> owner;
  bool here = true;
};

// Owners of a stage's matrices under ZeRO. Those that are trained are shared out first, so that their states are even.
class ParameterOwners {
 public:
  ParameterOwners() = default;  // everything is everywhere
  ParameterOwners(const ModelConfig& config, const ModelShard& shard, const std::optional<MethodSpec>& method,
                  int64_t ranks, int64_t own_rank);
  // By Hugging Face name. Vectors are everywhere.
  Ownership of(const std::string& name) const;

 private:
  int64_t own_rank_ = 0;
  std::map<std::string, int64_t> owners_;
};

}  // namespace collie
