// DoRA (Liu et al. 2024, arXiv 2402.09353) on one fused linear: y = g (W x + s B A x), g = m / |W + s B A| by rows. LoRA's one
// product, then a factor a column. As in the paper's section 4.3, the norm is a constant in the gradient.
#pragma once

#include "engine/peft/lora_adapter.h"

namespace collie {

class DoraAdapter final : public LoraAdapter {
 public:
  DoraAdapter(const MethodSpec& method, const AdapterSite& site);

  void output(const StepContext& ctx, const at::Tensor& y) const override;
  at::Tensor output_backward(const StepContext& ctx, const SeenWeight& seen, const at::Tensor& x,
                             const at::Tensor& dy) override;
  void init_from_base(Kernels& kernels, const at::Tensor& base) override;
  void bind_base(Kernels& kernels, const at::Tensor& base) override;
  void sync(Kernels& kernels, const at::Tensor& weight) override;
  int64_t weight_bytes() const override;
  int64_t gradient_bytes() const override;

 protected:
  std::vector<Parameter> part_parameters(size_t part) const override;

 private:
  // fp32 [part out] each; undefined where the part is not adapted.
  struct Part {
    at::Tensor magnitude, grad;  // m; grad when training
    at::Tensor base_squares;     // |W|^2 by rows, over the columns of this rank
    at::Tensor inverse_norm;     // 1 / |W + s B A| by rows
    at::Tensor gain;             // m / |W + s B A|
  };
  at::Tensor row_squares(const at::Tensor& base, const Projection& part) const;
  at::Tensor squared_norms(Kernels& kernels, const at::Tensor& weight, size_t part) const;
  // Sums over columns, of all ranks that share them.
  at::Tensor over_columns(at::Tensor sums) const;

  std::vector<Part> parts_;
};

}  // namespace collie
