// Micro-batches through the chunks of this rank and on to its neighbours, in the order of core/grid/pipeline_schedule.h. One rank alone
// takes the same way: all chunks are its own, and nobody is sent anything.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "core/grid/pipeline_schedule.h"
#include "engine/model/decoder.h"
#include "engine/parallel/parallel.h"

namespace collie {

// When gradients are passed on: once all micro-batches of the step are in them, or after every one.
enum class GradientsReady { last_micro_batch, every_micro_batch };

// What a rank did, for the timeline. Microseconds since the step began.
struct Span {
  Pass pass = Pass::forward;
  int64_t micro_batch = 0;
  int64_t chunk = 0;
  int64_t begin_us = 0, end_us = 0;
};

class Pipeline {
 public:
  // Both must outlive it.
  Pipeline(Decoder& decoder, const Parallel& parallel);

  // Gradients of all micro-batches; `receive` may be empty. The sums of every micro-batch on the rank that has the head, and zeros on
  // the others: summed over the ranks of the pipeline they are the step's.
  std::vector<LossSums> train(std::span<const MicroBatch> micro_batches, const GradientReceiver& receive,
                              GradientsReady ready);
  // The sums of every document of one batch, without gradients; as above.
  std::vector<LossSums> evaluate(const PackedBatch& batch);
  // Where other data-parallel ranks evaluate a batch and this one has none.
  void evaluate_nothing() { decoder_.idle_forward(); }

  // Of the last train().
  const std::vector<Span>& spans() const { return spans_; }
  // Seconds of the last train() spent waiting for neighbours.
  double waited_seconds() const { return waited_; }

 private:
  struct Slot {
    int64_t micro_batch = -1, chunk = -1;
  };
  // A tensor on its way to a neighbour, in memory of its own.
  struct Sending {
    at::Tensor memory;  // flat
    std::unique_ptr<Transfer> transfer;
  };

  size_t take_slot(const PipelineAction& action);
  size_t slot_of(const PipelineAction& action) const;
  void forward(const PipelineAction& action, const MicroBatch& micro_batch);
  LossSums backward(const PipelineAction& action, const MicroBatch& micro_batch, const GradientReceiver& receive);
  void receive(const at::Tensor& into, int64_t from, int64_t tag);
  void send(const at::Tensor& tensor, int64_t to, int64_t tag);
  void finish_sends();
  int64_t chunk_of_pipeline(int64_t chunk) const { return chunk * parallel_.spec.pp_size + parallel_.place.stage; }
  int64_t last_chunk() const { return parallel_.spec.pp_size * parallel_.spec.pipeline_chunks - 1; }
  int64_t neighbour(int64_t offset) const;

  Decoder& decoder_;
  const Parallel& parallel_;
  std::vector<Slot> slots_;
  std::vector<Sending> sendings_;
  std::vector<Span> spans_;
  double waited_ = 0;
};

// Sets of activations that a rank needs for a step of so many micro-batches.
int64_t pipeline_slots(const ParallelSpec& spec, const GridPlace& place, int64_t micro_batches);

}  // namespace collie
