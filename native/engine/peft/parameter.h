// A trainable tensor: its master weights, its gradient, and what update rules must know of it. Frozen weights have none of it.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>

#include "core/recipe/optimizer_rules.h"  // ParameterKind
#include "core/plan/parameter_owners.h"
#include "engine/parallel/communicator.h"
#include "engine/parallel/placement.h"

namespace collie {

enum class Decay { yes, no };  // norms and biases are never decayed

struct Parameter {
  std::string name;  // logical Hugging Face name, e.g. model.layers.0.self_attn.q_proj.lora_A.weight
  // Contiguous, this rank's part of the logical shape; fp32, or bf16 when there are no master weights. Undefined where another has it.
  at::Tensor master;
  at::Tensor grad;  // fp32, same shape; added to by every backward until zero_grad
  Decay decay = Decay::yes;
  ParameterKind kind = ParameterKind::matrix;
  double lr_scale = 1;  // of the learning rate (LoRA+)
  Placement placement = {};
  Communicator* tp = nullptr;  // who holds the other parts; null: this rank has all of it
  Ownership ownership = {};
  at::Tensor computes =
      {};  // of a master with an owner: the copy that every rank computes with; undefined: it comes when it is used
};

// A tensor as a checkpoint knows it.
struct NamedTensor {
  std::string name;
  at::Tensor tensor;
  Slice slice = {};   // of the logical tensor
  bool sole = false;  // no other data-parallel rank has it
};

}  // namespace collie
