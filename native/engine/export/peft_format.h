// Adapters in the format of PEFT (0.21): adapter_config.json and adapter_model.safetensors. One row a method in
// peft_format.cpp says how its tensors and settings are called there; export_adapter.cpp and import_adapter.cpp do the rest.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "core/model/model_config.h"
#include "core/recipe/run_spec.h"
#include "core/formats/safetensors.h"
#include "engine/checkpoint/sharded_tensors.h"

namespace collie {

// A checkpoint's weights, to be written in another form.
struct TrainedWeights {
  const RunSpec& spec;
  const ModelConfig& model;
  const ShardedTensors& file;
  int64_t step = 0;  // of the checkpoint
};

// One tensor of an exported adapter. `value` is asked for when it is written.
struct PeftTensor {
  std::string name;
  std::vector<int64_t> shape;
  std::function<at::Tensor()> value;  // fp32, on the CPU
};

struct PeftFormat {
  const char* method;     // MethodSpec::type
  const char* peft_type;  // "LORA"
  // Adds the method's keys to the config of every PEFT method.
  void (*configure)(nlohmann::json& config, const TrainedWeights& weights);
  // What becomes of a checkpoint's tensor; nullopt: it is part of another.
  std::optional<PeftTensor> (*exported)(const TrainedWeights& weights, const StoredTensor& tensor);
  // A trained tensor's value in an adapter's file, whose names it marks as used; nullptr: the method cannot be continued.
  at::Tensor (*imported)(class PeftFile& file, const std::string& name, at::IntArrayRef shape);
  // Keys of the config without which the same tensors mean something else.
  std::vector<const char*> settled;
};

// Null when PEFT has no such method.
const PeftFormat* peft_format(const std::string& method);

// adapter_config.json of an export.
nlohmann::json peft_config(const PeftFormat& format, const TrainedWeights& weights);
// All tensors of an export.
std::vector<PeftTensor> peft_tensors(const PeftFormat& format, const TrainedWeights& weights);

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

// "base_model.model." + name: how PEFT calls what belongs to the model.
std::string peft_name(const std::string& name);

}  // namespace collie
