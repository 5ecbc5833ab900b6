// The contract of update rules, and their registry. An update rule is a file here, a row in optimizer.cpp, and its fields
// in core/run_spec.cpp and electron/shared/run-spec.ts.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/run_spec.h"
#include "engine/kernels/kernels.h"
#include "engine/peft/parameter.h"

namespace collie {

// All that differs between steps. Update rules keep no counters of their own, so that step and state tensors say everything.
struct OptimizerStep {
  int64_t step = 1;          // 1 for the first: the exponent of bias corrections
  double learning_rate = 0;  // after the schedule
  double grad_factor = 1;    // gradients are multiplied by it on the way in: clipping without a pass of its own
};

class Optimizer {
 public:
  virtual ~Optimizer() = default;
  // Updates all masters from their gradients. `parameters` are those it was made for, in the same order. Gradients are
  // left as they are.
  virtual void step(std::span<Parameter> parameters, const OptimizerStep& now) = 0;
  // All state, fp32, in a fixed order and under logical names ("<parameter>.m"): what a checkpoint must hold. The tensors are
  // the live ones: what is copied into them is the state of the next step.
  virtual std::vector<NamedTensor> state() = 0;
  // Bytes of all state tensors.
  virtual int64_t memory_bytes() const = 0;
};

// The rule that `spec.type` names, with state for these parameters, zero at first, on their device. `kernels` are those of that
// device and must outlive the optimizer. Throws spec.invalid for an unknown type.
std::unique_ptr<Optimizer> make_optimizer(const OptimizerSpec& spec, std::span<const Parameter> parameters, Kernels& kernels);

}  // namespace collie
