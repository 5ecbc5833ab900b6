// A trainable tensor: fp32 master weights, fp32 gradient, and the rule for weight decay. Frozen weights have none of it.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>

namespace collie {

enum class Decay { yes, no };  // norms and biases are never decayed

struct Parameter {
  std::string name;    // logical Hugging Face name, e.g. model.layers.0.self_attn.q_proj.lora_A.weight
  at::Tensor master;   // fp32, contiguous, logical (unsharded) shape for now
  at::Tensor grad;     // fp32, same shape; added to by every backward until zero_grad
  Decay decay = Decay::yes;
};

// A tensor as a checkpoint knows it.
struct NamedTensor {
  std::string name;
  at::Tensor tensor;
};

}  // namespace collie
