// What a kind of device takes besides the tensors that a run allocates. One row a device.
#pragma once

#include "core/plan/memory_plan.h"

namespace collie {

// Memory that a process has taken on its GPU before libtorch allocates anything: the driver's context with the code of the kernels.
constexpr int64_t kCudaContextBytes = int64_t{520} << 20;

// Of a rank with libtorch loaded and warm, before any model.
int64_t device_overhead_bytes(const PlanInput& in);
// Of kernels, and of what libraries allocate while they compute; an upper bound.
int64_t device_scratch_bytes(const ModelConfig& config, const ModelLayout& model, const PlanInput& in);

}  // namespace collie
