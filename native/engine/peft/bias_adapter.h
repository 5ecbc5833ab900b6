// BitFit (Ben Zaken et al. 2021, arXiv 2106.10199) on one fused linear: y = W x + b, b zero at the start, as the decoders here have
// no biases of their own.
#pragma once

#include "engine/peft/linear_adapter.h"

namespace collie {

class BiasAdapter final : public LinearAdapter {
 public:
  explicit BiasAdapter(const AdapterSite& site);

  void output(const StepContext& ctx, const at::Tensor& y) const override;
  at::Tensor output_backward(const StepContext& ctx, const SeenWeight& seen, const at::Tensor& x,
                             const at::Tensor& dy) override;
  std::vector<Parameter> parameters() const override;
  int64_t weight_bytes() const override;
  int64_t gradient_bytes() const override;

 private:
  AdapterSite site_;
  at::Tensor bias_, grad_;  // fp32 [out]
};

}  // namespace collie
