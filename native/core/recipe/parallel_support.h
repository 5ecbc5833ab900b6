// Whether a model can be cut as a layout asks, with the numbers and what is possible. What settings do not go together whatever the model
// is: core/recipe/rules.h.
#pragma once

#include <vector>

#include "core/base/precision.h"
#include "core/grid/parallel.h"
#include "core/model/model_config.h"
#include "core/recipe/rules.h"

namespace collie {

// Reasons against the degrees of a layout on this model; empty when it can be used.
std::vector<Refusal> layout_refusals(const ModelConfig& config, Quantization quantization,
                                     const ParallelSpec& parallel);
// Throws spec.invalid with them as issues.
void check_layout(const ModelConfig& config, Quantization quantization, const ParallelSpec& parallel);

}  // namespace collie
