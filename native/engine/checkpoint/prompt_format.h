// Methods with virtual tokens in the format of PEFT (0.21): adapter_config.json, and one tensor "prompt_embeddings".
#pragma once

#include <ATen/core/Tensor.h>

#include <nlohmann/json.hpp>

#include "core/model_config.h"
#include "core/peft_methods.h"
#include "core/safetensors.h"

namespace collie::peft {

// The name of the one tensor of such an adapter.
constexpr const char* kPromptEmbeddings = "prompt_embeddings";

// "PROMPT_TUNING", "PREFIX_TUNING", "P_TUNING"; null for a method without virtual tokens.
const char* prompt_type(const MethodSpec& method);

// Adds the keys of a method with virtual tokens to an adapter_config.json. For prefix tuning token_dim and num_attention_heads
// are those of keys and values, as PEFT writes them for grouped-query attention.
void configure_prompt(nlohmann::json& config, const MethodSpec& method, const ModelConfig& model);

// What PEFT stores of a checkpoint's tensors, fp32 on the CPU: the vectors themselves, or, for p-tuning, what the encoder
// makes of its embeddings.
at::Tensor prompt_embeddings(const MethodSpec& method, const SafetensorsFile& trained);

}  // namespace collie::peft
