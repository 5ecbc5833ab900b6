// The model description of a GGUF file of the "llama" architecture as a Hugging Face config.json.
#pragma once

#include <nlohmann/json.hpp>

#include "core/formats/gguf.h"

namespace collie {

// Sizes, rotary settings (frequency base, linear scaling, and the llama3 scaling that llama.cpp stores as the tensor
// rope_freqs.weight), tied or separate output, token ids. The result passes ModelConfig::parse.
// Throws model.unknown_architecture, model.unsupported_feature (experts, partial rotary, biases, ...),
// model.bad_config.
nlohmann::ordered_json gguf_model_config(const GgufFile& file);

}  // namespace collie
