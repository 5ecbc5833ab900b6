// AdaLoRA (Zhang et al. 2023, arXiv 2303.10512) on one fused linear: y = W x + s B E A dropout(x), s = alpha / (r + 1e-5) as PEFT has it,
// a singular value decomposition of the update whose values E are set to zero where they matter least. Which, rank_allocator.h
// decides over all adapters of a model. The tail of W holds s B, the tail of x holds x (E A)^T.
#pragma once

#include "engine/peft/lora_adapter.h"

namespace collie {

class AdaLoraAdapter final : public LoraAdapter {
 public:
  AdaLoraAdapter(const MethodSpec& method, const AdapterSite& site);

  void input_backward(const StepContext& ctx, const at::Tensor& dy, const at::Tensor& x, const at::Tensor& dx,
                      InputGradient wanted) override;
  void sync(Kernels& kernels, const at::Tensor& weight) override;
  void finish_gradients(Kernels& kernels) override;
  std::vector<NamedTensor> state() const override;
  int64_t weight_bytes() const override;
  int64_t gradient_bytes() const override;

  // Ranks and their importance, one set an adapted projection.
  struct Triplets {
    std::string module;
    struct Importance {
      at::Tensor value, grad;        // of the parameter
      at::Tensor mean, uncertainty;  // fp32, smoothed; state
    };
    Importance a, b, e;  // [rank, in], [out, rank], [rank, 1]
    at::Tensor kept;     // fp32 [rank], 1: kept, 0: pruned; state
  };
  // Empty when serving.
  const std::vector<Triplets>& triplets() const { return triplets_; }
  // The orthogonality penalty of each of A and B: weight |P P^T - I|.
  void set_penalty(double weight) { penalty_ = weight; }

 protected:
  std::vector<Parameter> part_parameters(size_t part) const override;

 private:
  at::Tensor e_of(size_t part) const;
  at::Tensor e_grad_of(size_t part) const;
  void make_triplets();

  at::Tensor a_plain_;            // storage [tail, in]: A, while a_ is E A
  at::Tensor e_master_, e_grad_;  // fp32 [tail, 1]
  double penalty_ = 0;
  std::vector<Triplets> triplets_;
};

}  // namespace collie
