#include "engine/optim/adamw.h"

#include <ATen/ops/zeros_like.h>

#include <stdexcept>

namespace collie {

AdamW::AdamW(const AdamWOptions& options, std::span<const Parameter> parameters, Kernels& kernels)
    : options_(options), kernels_(kernels) {
  for (const Parameter& parameter : parameters)
    moments_.push_back({parameter.name, at::zeros_like(parameter.master), at::zeros_like(parameter.master)});
}

void AdamW::step(std::span<Parameter> parameters, const OptimizerStep& now) {
  if (parameters.size() != moments_.size()) throw std::logic_error("AdamW was made for other parameters");
  for (size_t i = 0; i < parameters.size(); ++i) {
    const Parameter& parameter = parameters[i];
    AdamWStep update;
    update.master = parameter.master;
    update.m = moments_[i].m;
    update.v = moments_[i].v;
    update.grad = parameter.grad;
    update.lr = now.learning_rate;
    update.beta1 = options_.beta1;
    update.beta2 = options_.beta2;
    update.eps = options_.eps;
    update.weight_decay = parameter.decay == Decay::yes ? options_.weight_decay : 0;
    update.grad_scale = now.grad_factor;
    update.step = now.step;
    kernels_.adamw(update);
  }
}

std::vector<NamedTensor> AdamW::state() {
  std::vector<NamedTensor> state;
  for (const Moments& moments : moments_) {
    state.push_back({moments.parameter + ".m", moments.m});
    state.push_back({moments.parameter + ".v", moments.v});
  }
  return state;
}

int64_t AdamW::memory_bytes() const {
  int64_t bytes = 0;
  for (const Moments& moments : moments_) bytes += static_cast<int64_t>(moments.m.nbytes() + moments.v.nbytes());
  return bytes;
}

}  // namespace collie
