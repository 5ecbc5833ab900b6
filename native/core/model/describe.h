// A family's traits in words, for docs and model cards: what it has beside a plain Llama.
#pragma once

#include <string>
#include <vector>

#include "core/model/model_config.h"

namespace collie {

std::vector<std::string> describe_traits(const ModelConfig& config);

}  // namespace collie
