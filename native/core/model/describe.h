// A family's traits in words, for docs and model cards.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "core/model/model_config.h"

namespace collie {

// What it has beside a plain Llama.
std::vector<std::string> describe_traits(const ModelConfig& config);
// What does not work with it, in sentences.
std::vector<std::string> describe_limits(const ModelConfig& config);
// Linear layers that its files call otherwise or fuse, with "*" for the layer: "self_attn.q_proj" -> "model.layers.*.self_attn.qkv_proj".
std::map<std::string, std::string> renamed_linears(const ModelConfig& config);

}  // namespace collie
