// A layout against one rank.
#pragma once

#include "parallel/layout_run.h"

namespace collie::test {

// Trains three steps both ways: losses, gradients, norms, weights after each, an evaluation and a cached conversation are equal to
// `bound` relative.
void check_layout(const Parallel& grid, const Recipe& recipe, const ModelConfig& config, double bound = 1e-5);

}  // namespace collie::test
