// Norm, up projection with or without a gate, activation, down projection.
#pragma once

#include "engine/model/layer_options.h"
#include "engine/model/linear.h"
#include "engine/model/normed_input.h"
#include "engine/model/workspace.h"

namespace collie {

class MlpBlock {
 public:
  // `first`: the block whose gradients this one shares, or null.
  MlpBlock(const LayerOptions& options, MlpBlock* first);

  // b.x2 = b.x + y (the attention block's output), then y [P, D] is this block's output, to be added to b.x2; of both the rank's own
  // rows count. `norm` of the block's input, b.x2, or b.x of a block beside attention.
  void forward(const StepContext& ctx, const std::optional<Norm>& norm, const LayerBuffers& b,
               const at::Tensor& y) const;
  // Fills what the level makes again of b; y as forward() had it, with level `full` only, which may overwrite it.
  void recompute(ActivationCheckpointing level, const StepContext& ctx, const std::optional<Norm>& norm,
                 const LayerBuffers& b, const at::Tensor& y) const;
  // dx: gradient of what the block adds in; what goes through the block is added to it, when wanted.
  void backward(const StepContext& ctx, const SharedBuffers& shared, std::optional<Norm>& norm, const LayerBuffers& b,
                const at::Tensor& dx, InputGradient wanted);
  // Of its own, if any.
  std::optional<Norm>& norm() { return norm_; }
  const std::optional<Norm>& norm() const { return norm_; }
  bool trained() const {
    return trained_norm() || gate_up_.trained() || down_.trained() || output_.trained() || trains_serial_;
  }

  // Weights besides those of linears, in order.
  std::vector<BaseWeight*> weights();
  Linear& gate_up() { return gate_up_; }
  Linear& down() { return down_; }
  SerialAdapter* serial() { return serial_.get(); }  // null: none

 private:
  bool trained_norm() const { return norm_ && norm_->trained(); }
  // b.x2, b.h2 and b.gate_up.
  void project(const StepContext& ctx, const std::optional<Norm>& norm, const LayerBuffers& b,
               const at::Tensor& y) const;
  void activate(const StepContext& ctx, const LayerBuffers& b) const;
  const at::Tensor& input(const LayerBuffers& b) const { return parallel_ ? b.x : b.x2; }

  Activation activation_;
  bool gated_, parallel_;
  std::optional<Norm> norm_;
  Linear gate_up_, down_;
  BlockOutput output_;
  std::unique_ptr<SerialAdapter> serial_;  // after down_
  bool trains_serial_;
};

}  // namespace collie
