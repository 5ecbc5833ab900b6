// All implementations of the kernels that this program has and this machine can run. Over host memory: the suites compare with ATen there.
#pragma once

#include <memory>
#include <vector>

#include "engine/kernels/kernels.h"

namespace collie::test {

std::vector<std::unique_ptr<Kernels>> kernel_variants();

}  // namespace collie::test
