// LoRA (Hu et al. 2021, arXiv 2106.09685) on one fused linear: y = x W^T + s dropout(x) A^T B^T, s = alpha / rank, or alpha /
// sqrt(rank) (rsLoRA, arXiv 2312.03732). The tail of W holds s B, the tail of x holds x A^T: one product does both. With
// LoRA+ (arXiv 2402.12354) B learns at lr_ratio times the rate. The base of the methods that train such factors.
#pragma once

#include "engine/peft/linear_adapter.h"

namespace collie {

class LoraAdapter : public LinearAdapter {
 public:
  LoraAdapter(const MethodSpec& method, const AdapterSite& site);

  void forward_tail(const StepContext& ctx, const at::Tensor& x) const override;
  void input_backward(const StepContext& ctx, const at::Tensor& dy, const at::Tensor& x, const at::Tensor& dx,
                      InputGradient wanted) override;
  void sync(Kernels& kernels, const at::Tensor& weight) override;
  std::vector<Parameter> parameters() const override;
  int64_t weight_bytes() const override;
  int64_t gradient_bytes() const override;

 protected:
  std::string module(size_t part) const { return site_.prefix + site_.layout.parts[part].module; }
  // The parameters of one adapted part, in the order of core/recipe/peft_methods.cpp.
  virtual std::vector<Parameter> part_parameters(size_t part) const;
  at::Tensor a_grad_of(size_t part) const;  // undefined when serving
  // Of the linear's input.
  DropoutMask mask(const StepContext& ctx) const;
  // The linear's input as the factors see it: with dropout, in scratch, while training.
  at::Tensor adapter_input(const StepContext& ctx, const at::Tensor& x) const;
  // The gradients' parts: of B, of the input through A. `u` is the gradient of the tail.
  void accumulate_b(const StepContext& ctx, const at::Tensor& dy, const at::Tensor& x);
  void add_input_gradient(const StepContext& ctx, const at::Tensor& u, const at::Tensor& dx) const;
  at::Tensor a_of(size_t part) const;  // fp32 [rank, in], the part's rows of a_master_

  AdapterSite site_;
  double scale_;
  double lr_ratio_;
  at::Tensor a_;                                 // storage [tail, in]
  at::Tensor a_master_, a_grad_;                 // fp32 [tail, in]
  std::vector<at::Tensor> b_masters_, b_grads_;  // fp32 [part out, rank], one a part, undefined where it is not adapted
};

}  // namespace collie
