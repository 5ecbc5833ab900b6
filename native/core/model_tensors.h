// Names and shapes of a decoder's weights as Hugging Face stores them: what a model folder must hold.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/model_config.h"
#include "core/model_layout.h"
#include "core/optimizer_rules.h"

namespace collie {

struct NamedShape {
  std::string name;
  std::vector<int64_t> shape;
};

// In the order of the model. lm_head.weight is left out when the embeddings are tied.
std::vector<NamedShape> model_tensors(const ModelConfig& config);

// What a run trains, as its optimizer sees it: all weights, or the adapter's A and B of every projection. Empty for
// TrainMode::none.
std::vector<TrainableTensor> trainable_tensors(const ModelConfig& config, const LayerLayout& layout, TrainMode mode);

}  // namespace collie
