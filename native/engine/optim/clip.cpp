#include "engine/optim/clip.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace collie {

double global_grad_norm(std::span<const Parameter> parameters, Kernels& kernels) {
  std::vector<at::Tensor> counted;
  for (const Parameter& parameter : parameters)
    if (parameter.placement.counted == Counted::yes) counted.push_back(parameter.grad);
  return std::sqrt(kernels.squared_norm(counted));
}

double clip_factor(double norm, double max_norm) {
  return max_norm == 0 ? 1.0 : std::min(1.0, max_norm / (norm + 1e-6));
}

}  // namespace collie
