// A trainable tensor: its master weights, its gradient, and what update rules must know of it. Frozen weights have none of it.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>

#include "core/optimizer_rules.h"  // ParameterKind

namespace collie {

enum class Decay { yes, no };  // norms and biases are never decayed

struct Parameter {
  std::string name;    // logical Hugging Face name, e.g. model.layers.0.self_attn.q_proj.lora_A.weight
  at::Tensor master;   // contiguous, logical (unsharded) shape for now; fp32, or bf16 when there are no master weights
  at::Tensor grad;     // fp32, same shape; added to by every backward until zero_grad
  Decay decay = Decay::yes;
  ParameterKind kind = ParameterKind::matrix;
  double lr_scale = 1;  // of the learning rate (LoRA+)
};

// A tensor as a checkpoint knows it.
struct NamedTensor {
  std::string name;
  at::Tensor tensor;
};

}  // namespace collie
