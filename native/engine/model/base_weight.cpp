#include "engine/model/base_weight.h"

#include <ATen/ops/zeros.h>

namespace collie {

BaseWeight::BaseWeight(const WeightOptions& options, std::vector<int64_t> shape, Decay decay, ParameterKind kind)
    : name_(options.name),
      decay_(decay),
      kind_(kind),
      placement_(options.placement),
      shares_(options.shared.defined()),
      weight_(shares_ ? options.shared : at::zeros(shape, options.storage)) {
  if (options.trained == Trained::no) return;
  const at::TensorOptions fp32 = options.storage.dtype(at::kFloat);
  const bool separate = options.masters == Masters::fp32 && weight_.scalar_type() != at::kFloat;
  if (separate) ownership_ = options.ownership;
  if (ownership_.here) master_ = separate ? at::zeros(shape, fp32) : weight_;
  owns_grad_ = !options.shared_grad.defined();
  grad_ = owns_grad_ ? at::zeros(shape, fp32) : options.shared_grad;
}

void BaseWeight::sync(Kernels& kernels) {
  if (copied()) kernels.copy(master_, weight_);
}

std::vector<Parameter> BaseWeight::parameters() const {
  if (!grad_.defined()) return {};
  return {{.name = name_,
           .master = master_,
           .grad = grad_,
           .decay = decay_,
           .kind = kind_,
           .placement = placement_,
           .ownership = ownership_,
           .computes = ownership_.owner ? weight_ : at::Tensor()}};
}

int64_t BaseWeight::weight_bytes() const {
  return static_cast<int64_t>((shares_ ? 0 : weight_.nbytes()) + (copied() ? master_.nbytes() : 0));
}

int64_t BaseWeight::gradient_bytes() const { return owns_grad_ ? static_cast<int64_t>(grad_.nbytes()) : 0; }

}  // namespace collie
