// PiSSA (Meng et al. 2024, arXiv 2404.02948) on one fused linear: LoRA whose factors start as the principal part of W, s B0 A0,
// which is taken out of the base weight. The starting factors are kept: base and export are made with them again.
#pragma once

#include "engine/peft/lora_adapter.h"

namespace collie {

class PissaAdapter final : public LoraAdapter {
 public:
  PissaAdapter(const MethodSpec& method, const AdapterSite& site);

  void init_from_base(Kernels& kernels, const at::Tensor& base) override;
  void bind_base(Kernels& kernels, const at::Tensor& base) override;
  std::vector<NamedTensor> constants() const override;
  int64_t weight_bytes() const override;

 private:
  at::Tensor whole_weight(const at::Tensor& base, const Projection& part) const;

  at::Tensor a_start_;                // fp32 [tail, in]
  std::vector<at::Tensor> b_starts_;  // fp32 [part out, rank], undefined where the part is not adapted
};

}  // namespace collie
