#include "engine/model/vocabulary.h"

#include <ATen/ops/zeros.h>

namespace collie {

VocabularyTable::VocabularyTable(std::string name, int64_t vocab, int64_t dim, TrainMode mode, at::TensorOptions storage)
    : name_(std::move(name)), weight_(at::zeros({vocab, dim}, storage)) {
  if (mode != TrainMode::full) return;
  const at::TensorOptions fp32 = storage.dtype(at::kFloat);
  master_ = weight_.scalar_type() == at::kFloat ? weight_ : at::zeros({vocab, dim}, fp32);
  grad_ = at::zeros({vocab, dim}, fp32);
}

void VocabularyTable::sync(Kernels& kernels) {
  if (master_.defined() && !master_.is_same(weight_)) kernels.copy(master_, weight_);
}

std::vector<Parameter> VocabularyTable::parameters() const {
  if (!master_.defined()) return {};
  return {{name_, master_, grad_, Decay::yes, 1, ParameterKind::table}};
}

int64_t VocabularyTable::weight_bytes() const {
  const bool separate = master_.defined() && !master_.is_same(weight_);
  return static_cast<int64_t>(weight_.nbytes() + (separate ? master_.nbytes() : 0));
}

}  // namespace collie
