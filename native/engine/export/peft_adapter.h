// Adapters as PEFT reads and writes them: adapter_config.json and adapter_model.safetensors. How tensors and settings of a method are
// called there, its file in engine/peft registers (engine/peft/peft_format.h).
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/formats/safetensors.h"
#include "core/recipe/run_spec.h"
#include "engine/checkpoint/sharded_tensors.h"
#include "engine/peft/peft_format.h"

namespace collie {

// The tensors of a checkpoint or of an adapter's folder, for a method's format. `file` and what `spec` and `model` are outlive them.
TrainedWeights trained_weights(const RunSpec& spec, const ModelConfig& model, const ShardedTensors& file, int64_t step);

// adapter_config.json of an export. `base`: the model's folder or name.
nlohmann::json peft_config(const PeftFormat& format, const TrainedWeights& weights, const std::string& base);
// All tensors of an export.
std::vector<LazyTensor> peft_tensors(const PeftFormat& format, const TrainedWeights& weights);

// An adapter's file that is read: which of its tensors have been asked for.
class PeftFile {
 public:
  // Throws checkpoint.not_found, checkpoint.truncated.
  PeftFile(const std::filesystem::path& path, const MethodSpec& method, const ModelConfig& model);
  // By PEFT's name of a module as we cut it; where the files cut or call it otherwise, out of what they have. Throws checkpoint.mismatch
  // with both shapes.
  at::Tensor read(const std::string& name, at::IntArrayRef shape);
  // By its name in the file, whatever its rank.
  at::Tensor stored(const std::string& name);
  const TensorView* find(const std::string& name) const { return file_.find(name); }
  // Throws checkpoint.mismatch when a tensor was not asked for: it belongs to something that this run does not have.
  void check_all_used() const;

 private:
  SafetensorsFile file_;
  const MethodSpec& method_;
  const ModelConfig& model_;
  std::vector<std::string> used_;
};

}  // namespace collie
