// Names and shapes of a decoder's weights as Hugging Face stores them: what a model folder must hold.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/model_config.h"

namespace collie {

struct NamedShape {
  std::string name;
  std::vector<int64_t> shape;
};

// In the order of the model. lm_head.weight is left out when the embeddings are tied.
std::vector<NamedShape> model_tensors(const ModelConfig& config);

}  // namespace collie
