// A method in the format of PEFT (0.21), adapter_config.json and adapter_model.safetensors: registered in the method's file, beside its
// adapter. engine/export writes and reads the files; a method that registers none has no such format.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "core/base/registry.h"
#include "core/model/model_config.h"
#include "core/recipe/peft_methods.h"

namespace collie {

// A tensor of a checkpoint or of an exported adapter. `value` (whole, on the CPU) is asked for when it is needed.
struct LazyTensor {
  std::string name;
  std::vector<int64_t> shape;
  std::function<at::Tensor()> value;
};

// A checkpoint's weights, to be written in another form.
struct TrainedWeights {
  const MethodSpec& method;
  const ModelConfig& model;
  std::map<std::string, LazyTensor> tensors;  // by name
  int64_t step = 0;                           // of the checkpoint

  // Throws checkpoint.mismatch.
  const LazyTensor& at(const std::string& name) const;
};

// "base_model.model." + name: how PEFT calls what belongs to the model.
std::string peft_name(const std::string& name);
// A tensor under another name.
LazyTensor renamed(std::string name, const LazyTensor& tensor);

struct PeftFormat {
  const char* peft_type;  // "LORA"
  // Adds the method's keys to what the config of every PEFT method has.
  void (*configure)(nlohmann::json& config, const TrainedWeights& weights);
  // What PEFT calls a tensor that it stores as we do; of adapters that training continues from, all are.
  std::string (*name)(const std::string& name) = peft_name;
  // What becomes of a checkpoint's tensor, nullopt: it is part of another. Null: all are stored as we do.
  std::optional<LazyTensor> (*exported)(const TrainedWeights& weights, const LazyTensor& tensor) = nullptr;
  // Keys of the config without which the same tensors mean something else: an adapter that training continues from must have ours.
  std::vector<const char*> settled = {};
};

using PeftFormatRegistration = Registration<PeftFormat>;

}  // namespace collie
