// The model description of a GGUF file as the config.json of a Hugging Face folder.
#pragma once

#include <nlohmann/json.hpp>

#include "core/formats/gguf.h"

namespace collie {

// Sizes, rotary settings (core/model/gguf_rope.h), tied or separate output, token ids, and what the family's row adds. The result passes
// ModelConfig::parse. Throws model.unknown_architecture, model.unsupported_feature (experts, a window or a scale that the family does not
// have, ...), model.bad_config.
nlohmann::ordered_json gguf_model_config(const GgufFile& file);

}  // namespace collie
