// A [vocabulary, hidden] table: the embedding, or an output head that is not tied to it.
#pragma once

#include <string>
#include <vector>

#include "core/model_layout.h"
#include "engine/kernels/kernels.h"
#include "engine/model/parameter.h"

namespace collie {

class VocabularyTable {
 public:
  VocabularyTable(std::string name, int64_t vocab, int64_t dim, TrainMode mode, at::TensorOptions storage);

  const at::Tensor& weight() const { return weight_; }
  const at::Tensor& grad() const { return grad_; }  // fp32, or undefined when frozen
  const std::string& name() const { return name_; }
  at::Tensor base_weight() const { return master_.defined() ? master_ : weight_; }
  void sync(Kernels& kernels);
  std::vector<Parameter> parameters() const;
  int64_t weight_bytes() const;
  int64_t gradient_bytes() const { return grad_.defined() ? static_cast<int64_t>(grad_.nbytes()) : 0; }

 private:
  std::string name_;
  at::Tensor weight_;
  at::Tensor master_, grad_;
};

}  // namespace collie
