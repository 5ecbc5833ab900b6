// One decoder layer: attention block, then MLP block, each added to the residual stream; or both of the layer's input, side by side.
#pragma once

#include "engine/model/attention_block.h"
#include "engine/model/mlp_block.h"

namespace collie {

class Layer {
 public:
  // `first`: the layer whose gradients this one shares, or null.
  Layer(const LayerOptions& options, Layer* first)
      : attention_(options, first ? &first->attention_ : nullptr),
        mlp_(options, first ? &first->mlp_ : nullptr),
        parallel_(options.config.traits.parallel) {}

  // `pending` is what the layer below left to be added, or nothing when b.x holds the input. y [P, D] is overwritten. Returns what this
  // one leaves.
  Pending forward(const StepContext& ctx, const SharedBuffers& shared, const Pending& pending, const LayerBuffers& b,
                  const at::Tensor& y) const {
    attention_.forward(ctx, shared, pending, b, y);
    mlp_.forward(ctx, mlp_norm(), b, y);
    return {b.x2, ctx.rows.own(y)};
  }

  Pending extend(const StepContext& ctx, const SharedBuffers& shared, const Pending& pending, const LayerBuffers& b,
                 std::span<const CachedRows> conversations, const at::Tensor& y) const {
    attention_.extend(ctx, shared, pending, b, conversations, y);
    mlp_.forward(ctx, mlp_norm(), b, y);
    return {b.x2, ctx.rows.own(y)};
  }

  // Fills what the level makes again of b from what it keeps: the same bits as forward().
  void recompute(ActivationCheckpointing level, const StepContext& ctx, const SharedBuffers& shared,
                 const LayerBuffers& b, const at::Tensor& y) const {
    attention_.recompute(level, ctx, shared, b, y);
    mlp_.recompute(level, ctx, mlp_norm(), b, y);
  }

  // dx: gradient of the layer's output in, of its input out when wanted.
  void backward(const StepContext& ctx, const SharedBuffers& shared, const LayerBuffers& b, const at::Tensor& dx,
                InputGradient wanted) {
    if (parallel_) {
      // The MLP adds to dx, attention wants it as it was.
      const at::Tensor dout = shared.branch_dx.narrow(0, 0, dx.size(0));
      const bool attends = wanted == InputGradient::wanted || attention_.trained();
      if (attends) ctx.kernels.copy(dx, dout);
      mlp_.backward(ctx, shared, mlp_norm(), b, dx, wanted);
      if (attends) attention_.backward(ctx, shared, b, dout, dx, wanted);
      return;
    }
    const bool below = wanted == InputGradient::wanted || attention_.trained();
    mlp_.backward(ctx, shared, mlp_.norm(), b, dx, below ? InputGradient::wanted : InputGradient::not_wanted);
    if (below) attention_.backward(ctx, shared, b, dx, dx, wanted);
  }

  void sync(Kernels& kernels) {
    for (BaseWeight* weight : weights()) weight->sync(kernels);
    for (Linear* linear : linears()) linear->sync(kernels);
    for (SerialAdapter* serial : serials()) serial->sync(kernels);
  }

  void finish_gradients(Kernels& kernels) {
    for (Linear* linear : linears())
      if (linear->adapter()) linear->adapter()->finish_gradients(kernels);
  }

  std::array<Linear*, 4> linears() { return {&attention_.qkv(), &attention_.o(), &mlp_.gate_up(), &mlp_.down()}; }
  // Those that there are, in order.
  std::vector<SerialAdapter*> serials() {
    std::vector<SerialAdapter*> all;
    for (SerialAdapter* serial : {attention_.serial(), mlp_.serial()})
      if (serial) all.push_back(serial);
    return all;
  }
  // Weights besides those of linears, in order.
  std::vector<BaseWeight*> weights() {
    std::vector<BaseWeight*> all = attention_.weights();
    for (BaseWeight* weight : mlp_.weights()) all.push_back(weight);
    return all;
  }

 private:
  // Side by side without a norm of its own the MLP takes attention's.
  std::optional<Norm>& mlp_norm() { return parallel_ && !mlp_.norm() ? attention_.norm() : mlp_.norm(); }
  const std::optional<Norm>& mlp_norm() const { return parallel_ && !mlp_.norm() ? attention_.norm() : mlp_.norm(); }

  AttentionBlock attention_;
  MlpBlock mlp_;
  bool parallel_;
};

}  // namespace collie
