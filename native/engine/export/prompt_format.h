// Methods with virtual tokens in the format of PEFT (0.21): adapter_config.json, and one tensor "prompt_embeddings".
#pragma once

#include "engine/export/peft_format.h"

namespace collie::peft {

// Adds the keys of a method with virtual tokens to an adapter_config.json. For prefix tuning token_dim and num_attention_heads
// are those of keys and values, as PEFT writes them for grouped-query attention.
void configure_prompt(nlohmann::json& config, const TrainedWeights& from);

// The vectors themselves, or, for p-tuning, what the encoder makes of its embeddings.
std::optional<PeftTensor> export_prompt(const TrainedWeights& from, const StoredTensor& tensor);
at::Tensor import_prompt(PeftFile& file, const std::string& name, at::IntArrayRef shape);

}  // namespace collie::peft
