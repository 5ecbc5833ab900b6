#include "engine/optim/clip.h"

#include <algorithm>
#include <cmath>

namespace collie {

double global_grad_norm(std::span<const Parameter> parameters, Kernels& kernels) {
  double sum = 0;
  for (const Parameter& parameter : parameters)
    if (parameter.placement.counted == Counted::yes) sum += kernels.squared_norm(parameter.grad);
  return std::sqrt(sum);
}

double clip_factor(double norm, double max_norm) {
  return max_norm == 0 ? 1.0 : std::min(1.0, max_norm / (norm + 1e-6));
}

}  // namespace collie
