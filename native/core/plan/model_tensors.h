// Names and shapes of a decoder's weights as Hugging Face stores them: what a model folder must hold.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/model/model_config.h"
#include "core/recipe/optimizer_rules.h"
#include "core/recipe/peft_methods.h"

namespace collie {

struct NamedShape {
  std::string name;
  std::vector<int64_t> shape;
};

// In the order of the model. lm_head.weight is left out when the embeddings are tied.
std::vector<NamedShape> model_tensors(const ModelConfig& config);

// What one rank holds of them: its layers, and its parts of what a tensor-parallel group shares.
std::vector<NamedShape> model_tensors(const ModelConfig& config, const ModelShard& shard);
// Shapes that a rank has of a layer's linears, without the layer's prefix.
std::vector<ProjectionShape> projection_shapes(const ModelConfig& config, const ModelShard& shard);

// What a method trains on a rank, as an optimizer sees it: weights of the model and tensors of the adapter, in no particular order.
std::vector<TrainableTensor> trainable_tensors(const ModelConfig& config, const MethodSpec& method,
                                               const ModelShard& shard);

}  // namespace collie
