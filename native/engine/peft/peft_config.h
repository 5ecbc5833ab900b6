// Keys of PEFT's adapter_config.json that several methods have.
#pragma once

#include <string>
#include <vector>

#include "engine/peft/peft_format.h"

namespace collie {

// Whether the embedding is trained where it is the head as well.
bool tied_and_trained(const TrainedWeights& from);
// Full names of the projections that the method adapts; `patterns` narrows them down.
std::vector<std::string> adapted_modules(const TrainedWeights& from, const std::vector<std::string>& patterns);
// `patterns` as PEFT takes them: it knows names and endings of names, but no wildcards, so modules that wildcards name are listed in full.
nlohmann::json modules_of(const TrainedWeights& from, const std::vector<std::string>& patterns);

// Of methods that adapt projections: which, and what is trained besides.
void configure_targets(nlohmann::json& config, const TrainedWeights& from);
// Of methods with LoRA's factors: targets, alpha, dropout. `r` is the method's own.
void configure_factors(nlohmann::json& config, const TrainedWeights& from);
// LoRA's config, and the keys of it without which the same factors mean something else.
void configure_lora(nlohmann::json& config, const TrainedWeights& from);
std::vector<const char*> lora_settled();

// Of methods with virtual tokens, each a vector of `width` numbers that `heads` heads share.
void configure_virtual_tokens(nlohmann::json& config, const TrainedWeights& from, int64_t width, int64_t heads);
// PEFT has the vectors of virtual tokens under the name that we have.
std::string prompt_name(const std::string& name);

}  // namespace collie
