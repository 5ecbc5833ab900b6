// Clipping by the global norm of all gradients (Pascanu et al. 2012, arXiv 1211.5063), as torch.nn.utils.clip_grad_norm_ does.
#pragma once

#include <span>

#include "engine/kernels/kernels.h"
#include "engine/peft/parameter.h"

namespace collie {

// Square root of the sum of squares of all gradients, summed in double. Not finite when a gradient is not.
double global_grad_norm(std::span<const Parameter> parameters, Kernels& kernels);

// min(1, max_norm / (norm + 1e-6)); 1 when max_norm is 0 (no clipping).
double clip_factor(double norm, double max_norm);

}  // namespace collie
