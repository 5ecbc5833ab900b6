// Adapters of projections that are one tensor of the model's files: PEFT has one pair of factors for qkv_proj, the engine one for each of
// queries, keys and values. Exactly the same update is one pair of as many times the rank: the A below one another, the B on a diagonal.
#pragma once

#include <optional>
#include <vector>

#include "engine/export/peft_adapter.h"

namespace collie::peft {

// Puts the factors of projections together that are one module in the files. Throws request.invalid for methods whose tensors do not
// go together that way.
std::vector<LazyTensor> fuse(const TrainedWeights& from, std::vector<LazyTensor> tensors);
// The other way: the tensor of an adapter's file that `name` (PEFT's, of a module as we cut it) is a part of. A pair of factors that belongs
// to all of a fused module is shared: every part has its A, and its rows of B. One of as many times the rank is cut as `fuse` puts it
// together. Nothing where the files call and cut the module as we do. Throws checkpoint.mismatch for what is neither.
std::optional<at::Tensor> unfused(PeftFile& file, const MethodSpec& method, const ModelConfig& model,
                                  const std::string& name, at::IntArrayRef shape);
// The modules, ranks and alphas that follow; nothing changes where no adapted projection is fused.
void configure_fused(nlohmann::json& config, const TrainedWeights& from);

}  // namespace collie::peft
