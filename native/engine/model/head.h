// Final norm, output head and cross entropy, fused over chunks of target rows: the logits of a batch never exist at once.
#pragma once

#include "engine/model/labels.h"
#include "engine/model/norm.h"
#include "engine/model/workspace.h"

namespace collie {

// Positions with a target, on the device.
struct TargetRows {
  at::Tensor rows;     // int32 [n_targets]
  at::Tensor targets;  // int32 [n_targets]; of a rank with a part of the vocabulary: its columns, or -1
  at::Tensor scales;   // fp32 [n_targets] of their gradients; undefined: no gradient
  at::Tensor correct;  // int32 [n_targets], written; or undefined
};

// What makes logits of hidden values.
struct HeadWeights {
  const BaseWeight& table;  // [V, D]
  const BaseWeight* bias;   // fp32 [V], or null
};

class Head {
 public:
  // `norm_bias`: null where the final norm has none.
  Head(const WeightOptions& norm, const WeightOptions* norm_bias, const ModelConfig& config, const ModelLayout& model);

  // x [M, D] is the last layer's output, of the rank's own tokens. Losses of all targets into shared.losses. Where the targets have scales
  // also the gradient of the residual stream into dx [M, D] (overwritten), and of table and norm where they are trained.
  void loss(const StepContext& ctx, const SharedBuffers& shared, const at::Tensor& x, const HeadWeights& weights,
            const TargetRows& targets, const at::Tensor& dx, const Labels& labels = {});
  // fp32 logits of rows [first, n) into out [n - first, V], of the whole vocabulary on every rank.
  void logits(const StepContext& ctx, const SharedBuffers& shared, const Pending& pending, const HeadWeights& weights,
              int64_t first, const at::Tensor& out) const;

  Norm& norm() { return norm_; }

 private:
  // Losses, and the gradient over the logits. With a shared vocabulary in passes, between which the ranks sum up.
  void cross_entropy(const StepContext& ctx, const SharedBuffers& shared, const CrossEntropy& rows) const;
  void draw_targets(const StepContext& ctx, const at::Tensor& logits, const Labels& labels, int64_t first,
                    const at::Tensor& targets) const;
  bool shared_vocabulary() const { return vocabulary_.size < vocabulary_size_; }

  Range vocabulary_;         // of this rank
  int64_t vocabulary_size_;  // of the model
  Norm norm_;
  double scale_, softcap_;  // of logits
};

}  // namespace collie
