// Norm, query-key-value projections, rotary embedding, causal attention, output projection.
#pragma once

#include <span>

#include "engine/model/layer_options.h"
#include "engine/model/linear.h"
#include "engine/model/normed_input.h"
#include "engine/model/workspace.h"

namespace collie {

// Keys and values of one layer of a conversation, [capacity, key-value heads * head_dim] each.
struct LayerCache {
  at::Tensor keys, values;
  int64_t used = 0;  // tokens before this step
};

// Rows of a step that go on with one conversation: [first, first + count) of them are its next tokens.
struct CachedRows {
  LayerCache cache;
  int64_t first = 0, count = 0;
};

class AttentionBlock {
 public:
  // `first`: the block whose gradients this one shares, or null.
  AttentionBlock(const LayerOptions& options, AttentionBlock* first);

  // The rank's own rows of y [P, D] are the block's output, to be added to b.x. Keeps what backward() needs in b.
  void forward(const StepContext& ctx, const SharedBuffers& shared, const Pending& pending, const LayerBuffers& b,
               const at::Tensor& y) const;
  // Fills what the level makes again of b; y is written with level `full` only.
  void recompute(ActivationCheckpointing level, const StepContext& ctx, const SharedBuffers& shared,
                 const LayerBuffers& b, const at::Tensor& y) const;
  // forward() for new tokens of conversations; appends to the caches' tensors (not to `used`).
  void extend(const StepContext& ctx, const SharedBuffers& shared, const Pending& pending, const LayerBuffers& b,
              std::span<const CachedRows> conversations, const at::Tensor& y) const;
  // dout: gradient of what the block adds to the residual stream. What goes through the block is added to dx, when wanted; it may be the same.
  void backward(const StepContext& ctx, const SharedBuffers& shared, const LayerBuffers& b, const at::Tensor& dout,
                const at::Tensor& dx, InputGradient wanted);
  bool trained() const { return trained_below_output() || o_.trained() || output_.trained() || trains_serial_; }

  std::optional<Norm>& norm() { return norm_; }
  const std::optional<Norm>& norm() const { return norm_; }
  // Weights besides those of linears, in order.
  std::vector<BaseWeight*> weights();
  Linear& qkv() { return qkv_; }
  Linear& o() { return o_; }
  SerialAdapter* serial() { return serial_.get(); }  // null: none

 private:
  bool trained_norm() const { return norm_ && norm_->trained(); }
  bool trained_below_output() const {
    return trained_norm() || qkv_.trained() || (q_norm_ && (q_norm_->trained() || k_norm_->trained()));
  }
  // Queries and keys side by side.
  at::Tensor queries(const at::Tensor& qkv) const { return qkv.narrow(1, 0, shape_.heads * shape_.head_dim); }
  at::Tensor keys(const at::Tensor& qkv) const {
    return qkv.narrow(1, shape_.heads * shape_.head_dim, shape_.kv_heads * shape_.head_dim);
  }
  void norm_heads(const StepContext& ctx, const LayerBuffers& b) const;
  void norm_heads_backward(const StepContext& ctx, const LayerBuffers& b, const at::Tensor& dqkv) const;
  void rotate(const StepContext& ctx, const SharedBuffers& shared, const at::Tensor& qkv, Direction direction) const;
  // Output projection and what comes after it.
  void output(const StepContext& ctx, const LayerBuffers& b, const at::Tensor& y) const;
  // Norm, projections and rotary embedding: b.qkv is ready for attention.
  void project(const StepContext& ctx, const SharedBuffers& shared, const Pending& pending,
               const LayerBuffers& b) const;
  // Keys beside values, [n, 2 KV E], of queries, keys and values.
  at::Tensor keys_values(const at::Tensor& qkv) const;
  at::Tensor attended(const LayerBuffers& b) const { return b.attended.narrow(1, 0, o_.layout().in); }

  int64_t layer_;
  AttentionShape shape_;
  int64_t rope_;  // which of the rotary tables, or LayerKind::kNoRotary
  RotaryPairs pairs_;
  std::optional<Norm> norm_;
  std::optional<GroupNorm> q_norm_, k_norm_;
  Linear qkv_, o_;
  BlockOutput output_;
  std::unique_ptr<SerialAdapter> serial_;  // after o_
  bool trains_serial_;
};

}  // namespace collie
