#include "engine/train/pipeline.h"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <stdexcept>

namespace collie {

namespace {

using Clock = std::chrono::steady_clock;

int64_t microseconds(Clock::duration duration) {
  return std::chrono::duration_cast<std::chrono::microseconds>(duration).count();
}

// Every tensor on the way between two ranks has a tag of its own.
int64_t tag_of(int64_t micro_batch, int64_t chunk_below, Pass pass) {
  constexpr int64_t kMostChunks = 1024;
  return (micro_batch * kMostChunks + chunk_below) % (1 << 19) * 2 + (pass == Pass::backward ? 1 : 0);
}

}  // namespace

int64_t pipeline_slots(const ParallelSpec& spec, const GridPlace& place, int64_t micro_batches) {
  return most_in_flight(pipeline_schedule(place.stage, spec.pp_size, micro_batches, spec.pipeline_chunks));
}

Pipeline::Pipeline(Decoder& decoder, const Parallel& parallel)
    : decoder_(decoder), parallel_(parallel), slots_(static_cast<size_t>(decoder.slots())) {}

int64_t Pipeline::neighbour(int64_t offset) const {
  const int64_t stages = parallel_.spec.pp_size;
  return (parallel_.place.stage + offset + stages) % stages;
}

size_t Pipeline::take_slot(const PipelineAction& action) {
  for (size_t i = 0; i < slots_.size(); ++i) {
    Slot& slot = slots_[i];
    if (slot.micro_batch >= 0) continue;
    slot = {action.micro_batch, action.chunk};
    return i;
  }
  throw std::logic_error("more micro-batches in flight than the decoder has room for");
}

size_t Pipeline::slot_of(const PipelineAction& action) const {
  for (size_t i = 0; i < slots_.size(); ++i)
    if (slots_[i].micro_batch == action.micro_batch && slots_[i].chunk == action.chunk) return i;
  throw std::logic_error("a backward pass without its forward pass");
}

void Pipeline::receive(const at::Tensor& into, int64_t from, int64_t tag) {
  const Clock::time_point begin = Clock::now();
  parallel_.pp->start_receive(into, from, tag)->wait();
  waited_ += std::chrono::duration<double>(Clock::now() - begin).count();
}

// From a copy: interleaved stages send to each other in a ring, so that whoever waited until its message is taken could wait for itself.
void Pipeline::send(const at::Tensor& tensor, int64_t to, int64_t tag) {
  const auto usable = [&](Sending& s) {
    return (!s.transfer || s.transfer->done()) && s.memory.numel() >= tensor.numel();
  };
  auto found = std::ranges::find_if(sendings_, usable);
  if (found == sendings_.end())
    found = sendings_.insert(found, {at::empty({tensor.numel()}, tensor.options()), nullptr});
  const at::Tensor copy = found->memory.narrow(0, 0, tensor.numel()).view(tensor.sizes());
  copy.copy_(tensor);
  found->transfer = parallel_.pp->start_send(copy, to, tag);
}

void Pipeline::finish_sends() {
  for (Sending& sending : sendings_)
    if (sending.transfer) sending.transfer->wait();
  for (Sending& sending : sendings_) sending.transfer.reset();
}

void Pipeline::forward(const PipelineAction& action, const MicroBatch& micro_batch) {
  const size_t slot = take_slot(action);
  const StagePass pass{micro_batch, action.chunk, static_cast<int64_t>(slot)};
  const int64_t v = chunk_of_pipeline(action.chunk);
  if (v > 0) receive(decoder_.stage_input(pass), neighbour(-1), tag_of(action.micro_batch, v - 1, Pass::forward));
  const at::Tensor out = decoder_.stage_forward(pass);
  if (v < last_chunk()) send(out, neighbour(1), tag_of(action.micro_batch, v, Pass::forward));
}

LossSums Pipeline::backward(const PipelineAction& action, const MicroBatch& micro_batch,
                            const GradientReceiver& on_gradients_ready) {
  const size_t index = slot_of(action);
  Slot& slot = slots_[index];
  const StagePass pass{micro_batch, action.chunk, static_cast<int64_t>(index)};
  const int64_t v = chunk_of_pipeline(action.chunk);
  if (v < last_chunk() && decoder_.gradient_arrives(action.chunk))
    receive(decoder_.stage_output_gradient(pass), neighbour(1), tag_of(action.micro_batch, v, Pass::backward));
  const LossSums sums = decoder_.stage_backward(pass, on_gradients_ready);
  if (v > 0 && decoder_.gradient_leaves(action.chunk))
    send(decoder_.stage_input_gradient(pass), neighbour(-1), tag_of(action.micro_batch, v - 1, Pass::backward));
  slot.micro_batch = -1;
  return sums;
}

std::vector<LossSums> Pipeline::train(std::span<const MicroBatch> micro_batches, const GradientReceiver& receive,
                                      GradientsReady ready) {
  const ParallelSpec& spec = parallel_.spec;
  const auto count = static_cast<int64_t>(micro_batches.size());
  const Clock::time_point begin = Clock::now();
  spans_.clear();
  waited_ = 0;
  std::vector<LossSums> sums(micro_batches.size());
  for (const PipelineAction& action :
       pipeline_schedule(parallel_.place.stage, spec.pp_size, count, spec.pipeline_chunks)) {
    const double waited = waited_;
    const Clock::time_point start = Clock::now();
    const MicroBatch& micro_batch = micro_batches[static_cast<size_t>(action.micro_batch)];
    if (action.pass == Pass::forward) {
      forward(action, micro_batch);
    } else {
      const bool complete = ready == GradientsReady::every_micro_batch || action.micro_batch == count - 1;
      const LossSums own = backward(action, micro_batch, complete ? receive : GradientReceiver{});
      if (chunk_of_pipeline(action.chunk) == last_chunk()) sums[static_cast<size_t>(action.micro_batch)] = own;
    }
    const int64_t waiting_us = static_cast<int64_t>((waited_ - waited) * 1e6);
    spans_.push_back({action.pass, action.micro_batch, action.chunk, microseconds(start - begin) + waiting_us,
                      microseconds(Clock::now() - begin)});
  }
  finish_sends();
  return sums;
}

std::vector<LossSums> Pipeline::evaluate(const PackedBatch& batch) {
  const MicroBatch micro_batch{batch, 0, 0, {}};
  std::vector<LossSums> sums(batch.doc_offsets.size() - 1);
  for (int64_t chunk = 0; chunk < parallel_.spec.pipeline_chunks; ++chunk) {
    const PipelineAction action{Pass::forward, 0, chunk};
    forward(action, micro_batch);
    const size_t slot = slot_of(action);
    if (chunk_of_pipeline(chunk) == last_chunk())
      sums = decoder_.stage_losses({micro_batch, chunk, static_cast<int64_t>(slot)});
    slots_[slot].micro_batch = -1;
  }
  finish_sends();
  return sums;
}

}  // namespace collie
