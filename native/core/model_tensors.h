// Names and shapes of a decoder's weights as Hugging Face stores them: what a model folder must hold.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/model_config.h"
#include "core/optimizer_rules.h"
#include "core/peft_methods.h"

namespace collie {

struct NamedShape {
  std::string name;
  std::vector<int64_t> shape;
};

// In the order of the model. lm_head.weight is left out when the embeddings are tied.
std::vector<NamedShape> model_tensors(const ModelConfig& config);

// What a method trains, as an optimizer sees it: weights of the model and tensors of the adapter, in no particular order.
std::vector<TrainableTensor> trainable_tensors(const ModelConfig& config, const MethodSpec& method);

}  // namespace collie
