// Adapters of projections that are one tensor of the model's files: PEFT has one pair of factors for qkv_proj, the engine one for each of
// queries, keys and values. Exactly the same update is one pair of as many times the rank: the A below one another, the B on a diagonal.
#pragma once

#include <vector>

#include "engine/export/peft_format.h"

namespace collie::peft {

// Puts the factors of projections together that are one module in the files. Throws request.invalid for methods whose tensors do not
// go together that way.
std::vector<PeftTensor> fuse(const TrainedWeights& from, std::vector<PeftTensor> tensors);
// The modules, ranks and alphas that follow; nothing changes where no adapted projection is fused.
void configure_fused(nlohmann::json& config, const TrainedWeights& from);

}  // namespace collie::peft
