// The update of a method as a change of the base weights, by the rule that its file registers (engine/peft/merge_rule.h).
#pragma once

#include <ATen/core/Tensor.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "core/model/model_names.h"
#include "core/recipe/run_spec.h"
#include "engine/checkpoint/sharded_tensors.h"

namespace collie {

// Throws request.invalid, with the way, when what the method adds is not a change of weights (vectors before the text, layers in
// series), or when the model's architecture has no place for it.
void check_mergeable(const MethodSpec& method, const ModelConfig& model);

// Computes exported values one tensor at a time, in fp32, rounded once to the base's format.
class Merger {
 public:
  Merger(const ShardedTensors& trained, const RunSpec& spec, const ModelConfig& model)
      : trained_(trained), spec_(spec), model_(model) {}

  // Of a tensor of the base's files. nullopt: training did not touch it, its bytes are copied.
  std::optional<at::Tensor> merged(const TensorView& base);
  // Tensors that the base model does not have: trained biases.
  std::vector<std::string> added() const;
  at::Tensor added(const std::string& name, DType dtype);
  // Throws checkpoint.mismatch when a trained tensor has not found its place in the base model.
  void check_all_used() const;

 private:
  // `base` as we have it, and its parts.
  std::optional<at::Tensor> merged_parts(const TensorView& base, const std::vector<FilePart>& parts);
  // `base` under its logical name.
  std::optional<at::Tensor> merged_part(const TensorView& base);

  const ShardedTensors& trained_;
  const RunSpec& spec_;
  const ModelConfig& model_;
  size_t used_ = 0;
};

// What changes in config.json: Llama's in transformers reads biases when it says so.
void configure_merged(nlohmann::json& config, const MethodSpec& method, const ModelConfig& model);

}  // namespace collie
