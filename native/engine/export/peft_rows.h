// Parts of the rows of peft_format.cpp that are files of their own.
#pragma once

#include "engine/export/peft_format.h"

namespace collie::peft {

// What all methods with factors have: targets, alpha, dropout.
void configure_common_factors(nlohmann::json& config, const TrainedWeights& from);

void configure_adalora(nlohmann::json& config, const TrainedWeights& from);
std::optional<PeftTensor> export_adalora(const TrainedWeights& from, const StoredTensor& tensor);

}  // namespace collie::peft
