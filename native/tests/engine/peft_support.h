// Methods on linear layers as the tests use them.
#pragma once

#include <string>
#include <vector>

#include "core/recipe/peft_methods.h"
#include "engine/model/decoder.h"

namespace collie::test {

// A method with the schema's fields, checked as those of a spec are.
MethodSpec method_of(const nlohmann::json& fields);

// What a PiSSA adapter is once it is saved: LoRA of twice the rank.
MethodSpec lora_of_pissa(const MethodSpec& pissa);

struct MethodCase {
  std::string name;
  nlohmann::json fields;
};
// Each method on linears: with all projections, with some of a fused product, with patterns, with modules trained whole.
std::vector<MethodCase> linear_methods();

DecoderOptions training_options(const MethodSpec& method, Precision precision = Precision::fp32);

// Random values for all trained tensors, around those that they start with: zeros would hide errors in gradients.
void disturb(Decoder& decoder, uint64_t seed);

}  // namespace collie::test
