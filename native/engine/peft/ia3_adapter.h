// IA3 (Liu et al. 2022, arXiv 2205.05638) on one fused linear: y = l (W x), or W (l x) where the method names the projection as
// feed-forward. One trained factor a channel, ones at the start.
#pragma once

#include "engine/peft/linear_adapter.h"

namespace collie {

class Ia3Adapter final : public LinearAdapter {
 public:
  // Throws spec.invalid when the input of one of several fused projections is to be scaled: they share it.
  Ia3Adapter(const MethodSpec& method, const AdapterSite& site);

  at::Tensor input(const StepContext& ctx, const at::Tensor& x) const override;
  void output(const StepContext& ctx, const at::Tensor& y) const override;
  bool output_sees_bias() const override { return true; }
  at::Tensor output_backward(const StepContext& ctx, const SeenWeight& seen, const at::Tensor& x,
                             const at::Tensor& dy) override;
  bool needs_input_product() const override { return input_.factors.defined(); }
  void input_backward(const StepContext& ctx, const at::Tensor& dy, const at::Tensor& x, const at::Tensor& dx,
                      InputGradient wanted) override;
  std::vector<Parameter> parameters() const override;
  int64_t weight_bytes() const override;
  int64_t gradient_bytes() const override;

 private:
  struct Scale {
    at::Tensor factors, grad;  // fp32 [channels]; undefined: none
  };
  Scale make_scale(int64_t channels) const;
  Parameter parameter(size_t part, const Scale& scale, std::vector<int64_t> shape, const Placement& placement) const;
  bool scales_output() const;

  AdapterSite site_;
  Scale input_;
  std::vector<Scale> outputs_;  // one a part
};

}  // namespace collie
