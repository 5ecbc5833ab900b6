// Gradients and updates over the data-parallel ranks: ZeRO (Rajbhandari et al. 2020, arXiv 1910.02054) by whole parameters
// (core/plan/parameter_owners.h). Every trained parameter has one owner among the ranks, which keeps its optimizer state and its master, updates it
// and sends it to the others; the volume of communication is that of ZeRO.
//
//   stage 0  gradients are summed everywhere; all ranks update all parameters
//   stage 1  gradients are summed at the owner; it updates and broadcasts
//   stage 2  the same, and only the owner keeps gradients of the layers: each is sent off when the backward pass leaves its layer
//   stage 3  the same, and only the owner keeps the layers' matrices: nobody is sent anything before a layer is computed again
//            (engine/model/gathered_layers.h)
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "engine/model/decoder.h"
#include "engine/parallel/parallel.h"
#include "engine/parallel/side_thread.h"
#include "engine/train/pipeline.h"

namespace collie {

// The owner among `ranks` of every parameter: that of its master, else as share_out() has it. The same on all ranks that hold a part.
std::vector<int64_t> owners_of(std::span<const Parameter> parameters, int64_t ranks);

// From stage 2 on: whether owners add up what layers hand out; updates inside of the backward pass use it at once.
enum class OwnerGradients { added_up, none };

class GradientSync {
 public:
  // All must outlive it. `decoder` has GradientLife::one_layer from stage 2 on.
  GradientSync(Decoder& decoder, const Parallel& parallel, OwnerGradients gradients, Overlap overlap);

  // What this rank updates; their gradients are complete after finish().
  std::span<Parameter> owned() { return owned_; }
  bool owns(size_t trainable_index) const { return owners_[trainable_index] == parallel_.dp->rank() || replicated(); }
  // Where a trainable parameter stands in owned(); nullopt: another rank updates it.
  std::optional<size_t> place_of(size_t trainable_index) const;

  // Before the first micro-batch of a step.
  void begin();
  // To be called with what a backward pass completes; starts its reduction.
  GradientReceiver receiver();
  GradientsReady gradients_ready() const {
    return sharded() ? GradientsReady::every_micro_batch : GradientsReady::last_micro_batch;
  }
  // A micro-batch that other ranks have and this one has not.
  void idle_micro_batch();
  // When all micro-batches of this rank are done: everything that has not been reduced yet, and what the method adds.
  void finish();

  // Gradients of a table that the first and the last stage of a pipeline both hold (tied embeddings): their sum, on both. Before
  // finish(), and before it is used by an update in the backward pass.
  void tie();

  // For updates in the backward pass: the sum over all ranks of one layer's gradients, before it is measured or used.
  void reduce_now(const CompletedGradients& completed);
  // After owners have updated: their weights to everyone. `indices` of trainable().
  void share(size_t first, size_t count);
  void share_all() { share(0, owners_.size()); }

  // Sum over the whole model of the squares of all gradients; the same on every rank.
  double squared_norm(Kernels& kernels) const;
  // The sum of what the ranks have of something, when each has its own parameters' part.
  double sum_over_model(double own) const;

  // Bytes of the owners' gradient copies (stage 2).
  int64_t memory_bytes() const;

 private:
  bool replicated() const { return parallel_.spec.zero_stage == 0; }
  bool reduces_whole_steps() const { return parallel_.dp->size() > 1 && !sharded(); }
  bool sharded() const { return parallel_.spec.zero_stage >= 2; }
  void reduce(size_t index);
  void start(size_t index);
  void keep(const CompletedGradients& completed);

  Decoder& decoder_;
  const Parallel& parallel_;
  std::vector<int64_t> owners_;  // of every trainable parameter
  std::vector<Parameter> owned_;
  std::vector<std::optional<size_t>> places_;  // of every trainable parameter: its place in owned_
  std::vector<bool> started_;                  // of this step

  SideThread side_;  // reductions beside the backward pass of the layers below
};

}  // namespace collie
