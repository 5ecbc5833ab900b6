// The contract of update rules, and their registry. An update rule is a file here, which registers itself, a row in
// core/recipe/optimizer_rules.cpp (fields, memory) and a variant in electron/shared/spec/optimizers.ts.
//
// Weights may be bf16 (no fp32 masters). Every rule then reads them as fp32, computes in fp32 and writes back with stochastic
// rounding, whose random bits are a pure function of step, parameter and element. Rounding to nearest, as the authors' codes do,
// loses every step that is smaller than half a unit in the last place (0.2% of the weight): with usual learning rates most of
// them. In fp32 there is nothing to round and ours equals theirs.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/recipe/optimizer_rules.h"
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
  // Updates all parameters. `parameters` are those it was made for, in the same order.
  void step(std::span<Parameter> parameters, const OptimizerStep& now);
  // Updates one parameter from its gradient, which is left as it is. `index` is its place in the span the optimizer was made for.
  // Depends on nothing but the parameter, its state and `now`: a fused backward pass calls it layer by layer, in any order, once
  // a step and parameter.
  virtual void update(size_t index, const Parameter& parameter, const OptimizerStep& now) = 0;
  // All state in a fixed order and under logical names ("<parameter>.m"): what a checkpoint must hold. The tensors are the live
  // ones: what is copied into them is the state of the next step.
  virtual std::vector<NamedTensor> state() = 0;
  // Bytes of all state tensors and workspaces; optimizer_bytes() of core/recipe/optimizer_rules.h says the same without making one.
  virtual int64_t memory_bytes() const = 0;

  // Steps between two looks at the curvature; 0: never. In steps where (step - 1) is a multiple of it, after the update, the
  // trainer computes gradients of the loss on labels sampled from the model and hands them in.
  virtual int64_t curvature_interval() const { return 0; }
  // `parameter.grad` is that gradient, of the mean loss over `tokens` targets; it is left as it is.
  virtual void observe_curvature(size_t index, const Parameter& parameter, double tokens);
};

// The rule that `spec.type` names, with state for these parameters, zero at first, on their device. `kernels` are those of that
// device and must outlive the optimizer. Throws spec.invalid for an unknown type.
std::unique_ptr<Optimizer> make_optimizer(const OptimizerSpec& spec, std::span<const Parameter> parameters,
                                          Kernels& kernels);

// What a parameter is to optimizer_rules.h.
TrainableTensor trainable_tensor(const Parameter& parameter);

using OptimizerMaker = std::unique_ptr<Optimizer> (*)(const OptimizerSpec&, std::span<const Parameter>, Kernels&);

// A static object of this in a rule's file puts it into the registry.
struct RegisterOptimizer {
  RegisterOptimizer(const char* type, OptimizerMaker make);
};

template <class Rule>
std::unique_ptr<Optimizer> make_rule(const OptimizerSpec& spec, std::span<const Parameter> parameters,
                                     Kernels& kernels) {
  return std::make_unique<Rule>(spec, parameters, kernels);
}

// Types of all rules that this build can make, sorted.
std::vector<std::string> registered_optimizers();

}  // namespace collie
