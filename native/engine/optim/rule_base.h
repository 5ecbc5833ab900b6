// What update rules share: state tensors by parameter, a workspace, and the figures of a step for one parameter.
#pragma once

#include <initializer_list>

#include "engine/optim/optimizer.h"

namespace collie {

class RuleBase : public Optimizer {
 public:
  std::vector<NamedTensor> state() final;
  int64_t memory_bytes() const final;

 protected:
  RuleBase(std::span<const Parameter> parameters, Kernels& kernels);

  // Zeros for parameter `index`, named "<parameter>.<name>" in checkpoints. The first added is slot 0.
  void add_state(size_t index, const std::string& name, at::IntArrayRef sizes, at::ScalarType dtype = at::kFloat,
                 const Slice& slice = {});
  // The state tensor of a parameter in the order in which they were added; std::logic_error when it was not made for so many.
  const at::Tensor& slot(size_t index, size_t place) const;
  // For random numbers of a parameter.
  uint64_t key_of(size_t index) const;
  size_t slots(size_t index) const { return slots_.at(index).size(); }
  // fp32 tensors of the parameter's shape under these names, for every parameter.
  void add_state_like(std::span<const Parameter> parameters, std::initializer_list<const char*> names);

  // One fp32 buffer for all parameters, sized by the rule's row in core/recipe/optimizer_rules.cpp.
  void reserve_workspace(const OptimizerSpec& spec, std::span<const Parameter> parameters);
  const at::Tensor& workspace() const { return workspace_; }
  // `count` floats of it from `begin`.
  at::Tensor workspace(int64_t begin, int64_t count) const;

  // An update that starts as: this parameter, its gradient, clipping, its state tensors and rounding.
  ElementUpdate element_update(size_t index, const Parameter& parameter, const OptimizerStep& now) const;
  // Of the elements from `begin` of a parameter, as one row; without state.
  ElementUpdate part_update(size_t index, const Parameter& parameter, const OptimizerStep& now, int64_t begin,
                            int64_t count) const;

  Kernels& kernels_;

 private:
  std::vector<std::string> names_;
  std::vector<std::vector<NamedTensor>> slots_;
  at::Tensor workspace_;
  at::TensorOptions options_;
};

// The learning rate of this parameter in this step.
inline double rate_of(const Parameter& parameter, const OptimizerStep& now) {
  return now.learning_rate * parameter.lr_scale;
}
// Weight decay of this parameter: none for norms and biases.
inline double decay_of(const Parameter& parameter, double weight_decay) {
  return parameter.decay == Decay::yes ? weight_decay : 0;
}
// 1 - beta^step, in double.
double bias_correction(double beta, int64_t step);

// The constants of AdamW: also for the tables, vectors and small tensors of rules that leave those to it.
struct AdamWFields {
  double beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weight_decay = 0;
};
AdamWFields adamw_fields(const Hyper& hyper);
AdamWRule adamw_rule(const AdamWFields& fields, double learning_rate, int64_t step);

}  // namespace collie
