// Projections of one input as one weight, with LoRA as extra columns; explicit forward and backward.
#pragma once

#include <functional>

#include "core/model_layout.h"
#include "core/safetensors.h"
#include "engine/model/context.h"
#include "engine/model/parameter.h"

namespace collie {

enum class InputGradient { wanted, not_wanted };

struct LinearOptions {
  at::ScalarType storage = at::kFloat;
  at::Device device = at::kCPU;
  TrainMode mode = TrainMode::none;
  double lora_scale = 1;   // alpha / rank
  uint64_t seed = 0;       // of A
  std::string prefix;      // "model.layers.0."
  int64_t layer = 0, index = 0;  // which of the model's linears this is: dropout masks differ
};

class Linear {
 public:
  Linear(const LinearLayout& layout, const LinearOptions& options);

  // x [N, in + tail]: the first `in` columns are the input, the tail is written. y [N, out].
  void forward(const StepContext& ctx, const at::Tensor& x, const at::Tensor& y) const;
  // Only the tail of x, for a backward pass that recomputes its inputs.
  void forward_tail(const StepContext& ctx, const at::Tensor& x) const;
  // Accumulates weight gradients; dx [N, in + tail] gets the input's gradient in its first `in` columns when wanted, its
  // tail is scratch.
  void backward(const StepContext& ctx, const at::Tensor& dy, const at::Tensor& x, const at::Tensor& dx,
                InputGradient wanted);
  // Anything to train here?
  bool trained() const;

  const LinearLayout& layout() const { return layout_; }
  // Rows of the base weight that belong to a part, where loading writes: master when trained, else the compute weight.
  at::Tensor base_weight(const Projection& part) const;
  void sync(Kernels& kernels);
  // The adapter's tensors (gradients undefined when it is only served), or in TrainMode::full the weights.
  std::vector<Parameter> parameters() const;
  int64_t weight_bytes() const;
  int64_t gradient_bytes() const;

 private:
  at::Tensor adapter_input(const StepContext& ctx, const at::Tensor& x) const;

  LinearLayout layout_;
  LinearOptions options_;
  at::Tensor weight_;         // storage [out, in + tail]
  at::Tensor a_;              // storage [tail, in]
  at::Tensor master_, grad_;  // fp32 [out, in], TrainMode::full
  at::Tensor a_master_, a_grad_;                    // fp32 [tail, in]
  std::vector<at::Tensor> b_masters_, b_grads_;     // fp32 [part out, rank], one per part, undefined without adapter
};

}  // namespace collie
