// What a method has trained as a change of the base model: registered in the method's file, beside its adapter. engine/export merges by it.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <string>

#include "core/base/registry.h"
#include "core/recipe/peft_methods.h"

namespace collie {

// The adapter of one module: a tensor of it (whole, on the CPU) by the rest of its name, ".lora_A.weight".
using ModuleTensors = std::function<at::Tensor(const std::string& rest)>;

struct MergeRule {
  // The merged weight of an adapted linear; `weight` fp32 [out, in] is the base's. Null: weights stay as they are.
  at::Tensor (*weight)(const MethodSpec& method, const at::Tensor& weight, const ModuleTensors& adapter) = nullptr;
  // The adapter is biases of linears, which come on top of those that the base has.
  bool biases = false;
};

// A method with an adapter but without a rule cannot be merged.
using MergeRegistration = Registration<MergeRule>;

// weight + s B A of a method with LoRA's factors.
at::Tensor merge_factors(const MethodSpec& method, const at::Tensor& weight, const ModuleTensors& adapter);

}  // namespace collie
