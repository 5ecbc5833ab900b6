// A weight of the base model besides those of linears: norms, the embedding, an untied head. Frozen, or trained with a master.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "core/recipe/peft_methods.h"
#include "engine/kernels/kernels.h"
#include "engine/peft/parameter.h"

namespace collie {

struct WeightOptions {
  std::string name;  // "model.norm.weight"
  Trained trained = Trained::no;
  Masters masters = Masters::fp32;
  at::TensorOptions storage;  // format to compute with, and device
  at::Tensor shared_grad;     // as in LinearOptions
  Placement placement = {};
  at::Tensor shared = {};    // another decoder's weight, to be used instead of an own one
  Ownership ownership = {};  // of a master with a copy to compute with
};

class BaseWeight {
 public:
  BaseWeight(const WeightOptions& options, std::vector<int64_t> shape, Decay decay, ParameterKind kind);

  const std::string& name() const { return name_; }
  const Slice& slice() const { return placement_.slice; }
  const at::Tensor& computes() const { return weight_; }  // storage
  const at::Tensor& grad() const { return grad_; }        // fp32, or undefined when frozen
  // Where loading writes: the master when trained and here.
  at::Tensor base() const { return master_.defined() ? master_ : weight_; }
  const Ownership& ownership() const { return ownership_; }
  void sync(Kernels& kernels);
  std::vector<Parameter> parameters() const;      // itself when trained
  bool shares_weight() const { return shares_; }  // another decoder's, which loads it
  int64_t weight_bytes() const;                   // without a shared one
  int64_t gradient_bytes() const;

 private:
  bool copied() const { return master_.defined() && !master_.is_same(weight_); }

  std::string name_;
  Decay decay_;
  ParameterKind kind_;
  Placement placement_;
  Ownership ownership_;
  bool shares_;
  at::Tensor weight_;
  at::Tensor master_, grad_;
  bool owns_grad_ = false;
};

}  // namespace collie
