// A trainable tensor: master weights, fp32 gradient, and what update rules must know of it. Frozen weights have none of it.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>

#include "core/optimizer_rules.h"  // ParameterKind

namespace collie {

enum class Decay { yes, no };  // norms and biases are never decayed

struct Parameter {
  std::string name;    // logical Hugging Face name, e.g. model.layers.0.self_attn.q_proj.lora_A.weight
  at::Tensor master;   // fp32 or bf16, contiguous, logical (unsharded) shape for now
  at::Tensor grad;     // fp32, same shape; added to by every backward until zero_grad
  Decay decay = Decay::yes;
  double lr_scale = 1;  // the learning rate is multiplied by it (LoRA+)
  ParameterKind kind = ParameterKind::matrix;
};

// A tensor as a checkpoint knows it.
struct NamedTensor {
  std::string name;
  at::Tensor tensor;
};

}  // namespace collie
