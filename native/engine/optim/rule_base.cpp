#include "engine/optim/rule_base.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>

#include "core/base/random.h"

namespace collie {

namespace {

// Decides the rounding of bf16 weights: another one every step and parameter, whichever rank updates it.
uint64_t rounding_key(int64_t step, uint64_t parameter_key) {
  uint64_t state = static_cast<uint64_t>(step);
  state = splitmix64(state) + parameter_key;
  return splitmix64(state);
}

}  // namespace

RuleBase::RuleBase(std::span<const Parameter> parameters, Kernels& kernels)
    : kernels_(kernels), slots_(parameters.size()) {
  for (const Parameter& parameter : parameters) names_.push_back(parameter.name);
  options_ = at::TensorOptions().dtype(at::kFloat);
  if (!parameters.empty()) options_ = options_.device(parameters.front().master.device());
}

void RuleBase::add_state(size_t index, const std::string& name, at::IntArrayRef sizes, at::ScalarType dtype,
                         const Slice& slice) {
  slots_.at(index).push_back({names_.at(index) + "." + name, at::zeros(sizes, options_.dtype(dtype)), slice});
}

void RuleBase::add_state_like(std::span<const Parameter> parameters, std::initializer_list<const char*> names) {
  for (size_t i = 0; i < parameters.size(); ++i)
    for (const char* name : names)
      add_state(i, name, parameters[i].master.sizes(), at::kFloat, parameters[i].placement.slice);
}

uint64_t RuleBase::key_of(size_t index) const { return hash_name(names_.at(index)); }

const at::Tensor& RuleBase::slot(size_t index, size_t place) const { return slots_.at(index).at(place).tensor; }

std::vector<NamedTensor> RuleBase::state() {
  std::vector<NamedTensor> all;
  for (const auto& slots : slots_) all.insert(all.end(), slots.begin(), slots.end());
  return all;
}

int64_t RuleBase::memory_bytes() const {
  int64_t bytes = workspace_.defined() ? static_cast<int64_t>(workspace_.nbytes()) : 0;
  for (const auto& slots : slots_)
    for (const NamedTensor& slot : slots) bytes += static_cast<int64_t>(slot.tensor.nbytes());
  return bytes;
}

void RuleBase::reserve_workspace(const OptimizerSpec& spec, std::span<const Parameter> parameters) {
  const OptimizerRule& rule = optimizer_rule(spec.type);
  int64_t bytes = 0;
  for (const Parameter& parameter : parameters)
    if (rule.workspace_bytes) bytes = std::max(bytes, rule.workspace_bytes(trainable_tensor(parameter), spec.hyper));
  if (bytes > 0) workspace_ = at::empty({bytes / 4}, options_);
}

at::Tensor RuleBase::workspace(int64_t begin, int64_t count) const { return workspace_.narrow(0, begin, count); }

ElementUpdate RuleBase::element_update(size_t index, const Parameter& parameter, const OptimizerStep& now) const {
  ElementUpdate update;
  update.weight = parameter.master;
  update.grad = parameter.grad;
  update.grad_scale = now.grad_factor;
  update.rounding_key = rounding_key(now.step, key_of(index));
  for (size_t i = 0; i < std::min(update.state.size(), slots(index)); ++i) update.state[i] = slot(index, i);
  return update;
}

ElementUpdate RuleBase::part_update(size_t index, const Parameter& parameter, const OptimizerStep& now, int64_t begin,
                                    int64_t count) const {
  ElementUpdate update;
  update.weight = parameter.master.view({-1}).narrow(0, begin, count);
  update.grad = parameter.grad.view({-1}).narrow(0, begin, count);
  update.grad_scale = now.grad_factor;
  update.rounding_key = rounding_key(now.step, key_of(index));
  update.first_element = begin;
  return update;
}

double bias_correction(double beta, int64_t step) { return 1 - std::pow(beta, static_cast<double>(step)); }

AdamWFields adamw_fields(const Hyper& hyper) {
  return {hyper.number("beta1"), hyper.number("beta2"), hyper.number("eps"), hyper.number("weight_decay")};
}

AdamWRule adamw_rule(const AdamWFields& fields, double learning_rate, int64_t step) {
  AdamWRule rule;
  rule.decay = static_cast<float>(learning_rate * fields.weight_decay);
  rule.one_minus_beta1 = static_cast<float>(1 - fields.beta1);
  rule.one_minus_beta2 = static_cast<float>(1 - fields.beta2);
  rule.rate = static_cast<float>(learning_rate / bias_correction(fields.beta1, step));
  rule.root = static_cast<float>(1 / std::sqrt(bias_correction(fields.beta2, step)));
  rule.eps = static_cast<float>(fields.eps);
  return rule;
}

}  // namespace collie
