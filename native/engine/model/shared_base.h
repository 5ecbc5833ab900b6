// Base weights of a decoder that others compute with as well, each with its own adapter: they are in memory once.
#pragma once

#include <ATen/core/Tensor.h>

#include <map>
#include <string>
#include <vector>

#include "engine/kernels/kernels.h"

namespace collie {

// The columns behind the input's belong to whoever wrote its tail there last (Decoder::sync_weights).
struct SharedLinear {
  at::Tensor weight;                 // storage [out, in + room for the widest tail]; undefined when quantized
  std::vector<Nf4Matrix> quantized;  // part by part
  at::Tensor bias = {};              // fp32 [out]; undefined: none
};

struct SharedBase {
  std::map<std::string, at::Tensor> weights;    // norms and tables by Hugging Face name
  std::map<std::string, SharedLinear> linears;  // by the name of the first part: "model.layers.0.self_attn.q_proj"

  // Undefined, or null: the decoder has its own.
  at::Tensor weight(const std::string& name) const {
    const auto found = weights.find(name);
    return found == weights.end() ? at::Tensor() : found->second;
  }
  const SharedLinear* linear(const std::string& name) const {
    const auto found = linears.find(name);
    return found == linears.end() ? nullptr : &found->second;
  }
};

}  // namespace collie
