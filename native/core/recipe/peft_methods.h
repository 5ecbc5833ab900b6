// The methods of electron/shared/spec/methods.ts, torch-free: their fields, and what they add to a model. The engine's adapters
// (engine/peft) and the memory forecast both start from here. One more method is a row in peft_methods.cpp, a file in
// engine/peft, and its schema.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/base/json_reader.h"
#include "core/model/model_config.h"
#include "core/recipe/optimizer_rules.h"
#include "core/grid/parallel.h"

namespace collie {

// A checked method of a spec. `fields` holds exactly the fields of its type.
struct MethodSpec {
  std::string type;
  nlohmann::json fields = nlohmann::json::object();

  bool has(const std::string& name) const { return fields.contains(name); }
  // Throw std::logic_error for a field that the type does not have: a mistake in the program.
  int64_t integer(const std::string& name) const;
  double number(const std::string& name) const;
  std::string text(const std::string& name) const;
  std::vector<std::string> texts(const std::string& name) const;  // empty when the type has no such field

  // alpha / rank, or alpha / sqrt(rank) with rank-stabilized scaling (arXiv 2312.03732).
  double lora_scale() const;
};

// Reads `method` of a spec. Throws spec.invalid with the path.
MethodSpec read_method(JsonReader reader);

enum class Trained { no, yes };
enum class Masters { fp32, none };  // none: trained weights live in the precision that computes

// A projection of a decoder layer: "model.layers.0.self_attn.q_proj", [out, in].
struct ProjectionShape {
  std::string module;
  int64_t out = 0, in = 0;
};

// A tensor that a method adds. Names are logical: "<module>.lora_A.weight".
struct AdapterTensor {
  std::string name;
  std::vector<int64_t> shape;
  Trained trained = Trained::yes;
  bool copied = false;  // there is a copy in the precision that computes, where that is not fp32
  // Held besides, in no file of the adapter: elements in the precision that computes, fp32 numbers that follow from the
  // tensor, and, while training, fp32 numbers of the method's state.
  int64_t computed = 0, derived = 0, state = 0;
  int64_t elements() const;
  // matrix, or vector for one dimension larger than 1 at most.
  ParameterKind kind() const;
};

// Buffers over all tokens that adapters of linears need besides the layers': a changed input, a changed output.
struct AdapterScratch {
  bool input = false, output = false;
};

// Which weights of the base model are others than they were once a run has begun, besides modules_to_save.
enum class BaseChange { none, adapted, all };

// Functions that are null: the method has none of it.
struct PeftMethod {
  const char* type;
  void (*read)(JsonReader& reader);  // asks for every field; what it accepts becomes MethodSpec::fields
  // Columns that an adapted projection adds to its input and weight (LoRA: the rank).
  int64_t (*tail)(const MethodSpec& method) = nullptr;
  // Tensors of an adapted projection.
  std::vector<AdapterTensor> (*projection)(const MethodSpec& method, const ProjectionShape& shape) = nullptr;
  // Tensors of a decoder layer besides its projections', `prefix` "model.layers.0.".
  std::vector<AdapterTensor> (*layer)(const MethodSpec& method, const ModelConfig& config,
                                      const std::string& prefix) = nullptr;
  // Tensors of the whole model.
  std::vector<AdapterTensor> (*model)(const MethodSpec& method, const ModelConfig& config) = nullptr;
  // Buffers that the adapters of linears need, in training or only to compute.
  AdapterScratch (*scratch)(const MethodSpec& method, bool training) = nullptr;
  // Whether it trains a weight of the base model whole, by its Hugging Face name.
  bool (*trains)(const MethodSpec& method, const ModelConfig& config, const std::string& name) = nullptr;
  BaseChange base = BaseChange::none;
};

// Throws spec.invalid for an unknown type.
const PeftMethod& peft_method(const std::string& type);

// Whether a method has an adapter, besides or instead of trained base weights.
bool has_adapter(const MethodSpec& method);
// All tensors that a method adds to a model, in the order of a decoder's parameters.
std::vector<AdapterTensor> adapter_tensors(const MethodSpec& method, const ModelConfig& config);
// Of those of one rank, their parts: `projections` are the shapes that the rank has of a layer's, without the layer's prefix.
std::vector<AdapterTensor> adapter_tensors(const MethodSpec& method, const ModelConfig& config, const ModelShard& shard,
                                           const std::vector<ProjectionShape>& projections);
// Throws spec.invalid, with its issue, when a setting of the method does not fit the model.
void check_method_fits(const MethodSpec& method, const ModelConfig& config);
// Whether a method adapts this projection: its target_modules name it, or the method adapts all.
bool adapts(const MethodSpec& method, const std::string& module);
// Which decoder layer a name belongs to; -1: none.
int64_t layer_of(const std::string& name);
// Whether a weight of the base model is trained whole, by its Hugging Face name.
Trained trains_weight(const MethodSpec& method, const ModelConfig& config, const std::string& name);
// Whether training leaves a weight of the base model as it was, by its Hugging Face name: then base and tuned model can share it.
bool keeps_weight(const MethodSpec& method, const ModelConfig& config, const std::string& name);
// Whether it leaves any as it was.
bool keeps_base(const MethodSpec& method);
// Buffers that a method's adapters need, in training or only to compute.
AdapterScratch adapter_scratch(const MethodSpec& method, bool training);
// Vectors before every document; 0 for methods without.
int64_t virtual_tokens(const MethodSpec& method);
// fp32 numbers that a method computes for each of them, in training or only to compute.
int64_t prompt_work(const MethodSpec& method, const ModelConfig& config, bool training);

}  // namespace collie
