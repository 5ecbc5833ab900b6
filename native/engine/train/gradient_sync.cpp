#include "engine/train/gradient_sync.h"

#include <ATen/ops/zeros_like.h>

#include <algorithm>

#include "core/plan/parameter_owners.h"

namespace collie {

namespace {

int64_t whole_elements(const Parameter& parameter) {
  const int64_t elements = parameter.grad.numel();
  const Slice& slice = parameter.placement.slice;
  return slice.dim < 0 ? elements : elements / std::max<int64_t>(slice.range.size, 1) * slice.whole;
}

}  // namespace

std::vector<int64_t> owners_of(std::span<const Parameter> parameters, int64_t ranks) {
  std::vector<int64_t> elements, owners;
  for (const Parameter& parameter : parameters) {
    elements.push_back(whole_elements(parameter));
    owners.push_back(parameter.ownership.owner.value_or(-1));
  }
  return share_out(elements, owners, ranks);
}

GradientSync::GradientSync(Decoder& decoder, const Parallel& parallel, OwnerGradients gradients, Overlap overlap)
    : decoder_(decoder),
      parallel_(parallel),
      owners_(owners_of(decoder.trainable(), parallel.dp->size())),
      places_(owners_.size()),
      started_(owners_.size()),
      side_(reduces_whole_steps() ? overlap : Overlap::none) {
  const std::span<Parameter> all = decoder.trainable();
  for (size_t i = 0; i < all.size(); ++i) {
    if (!owns(i)) continue;
    places_[i] = owned_.size();
    owned_.push_back(all[i]);
    if (sharded())
      owned_.back().grad = gradients == OwnerGradients::added_up ? at::zeros_like(all[i].grad) : at::Tensor();
  }
}

void GradientSync::begin() {
  std::fill(started_.begin(), started_.end(), false);
  decoder_.zero_grad();
  if (sharded())
    for (Parameter& parameter : owned_) parameter.grad.zero_();
}

void GradientSync::reduce(size_t index) {
  const at::Tensor& grad = decoder_.trainable()[index].grad;
  if (replicated())
    parallel_.dp->all_reduce(grad);
  else
    parallel_.dp->reduce(grad, owners_[index]);
}

// Stage 2: what a layer has is summed at its owner, which adds it to what it keeps.
void GradientSync::keep(const CompletedGradients& completed) {
  for (size_t i = 0; i < completed.parameters.size(); ++i) {
    const size_t index = completed.first + i;
    reduce(index);
    if (const auto place = places_[index]) owned_[*place].grad.add_(completed.parameters[i].grad);
  }
}

GradientReceiver GradientSync::receiver() {
  if (sharded()) return [this](const CompletedGradients& completed) { keep(completed); };
  if (!reduces_whole_steps()) return {};
  return [this](const CompletedGradients& completed) {
    for (size_t i = completed.first; i < completed.first + completed.parameters.size(); ++i) start(i);
  };
}

void GradientSync::start(size_t index) {
  started_[index] = true;
  side_.start([this, index] { reduce(index); });
}

void GradientSync::idle_micro_batch() {
  decoder_.idle_forward();
  if (sharded()) decoder_.idle_backward(receiver());
}

void GradientSync::tie() {
  if (const auto table = decoder_.tied_table()) parallel_.ends->all_reduce(decoder_.trainable()[*table].grad);
}

void GradientSync::finish() {
  tie();
  const auto table = decoder_.tied_table();
  if (table && sharded()) keep({decoder_.trainable().subspan(*table, 1), *table});
  if (reduces_whole_steps()) {
    if (table) start(*table);
    // A rank without micro-batches has started nothing: the same order as a backward pass.
    decoder_.visit_gradient_groups([this](const CompletedGradients& completed) {
      for (size_t i = completed.first; i < completed.first + completed.parameters.size(); ++i)
        if (!started_[i]) start(i);
    });
    side_.wait();
  }
  if (!sharded()) decoder_.finish_gradients();
}

void GradientSync::reduce_now(const CompletedGradients& completed) {
  for (size_t i = 0; i < completed.parameters.size(); ++i) reduce(completed.first + i);
}

void GradientSync::share(size_t first, size_t count) {
  if (replicated()) return;
  const std::span<Parameter> all = decoder_.trainable();
  for (size_t i = first; i < first + count; ++i) {
    const Parameter& p = all[i];
    if (!p.ownership.owner) {
      parallel_.dp->broadcast(p.master, owners_[i]);
    } else if (const at::Tensor computes = p.computes; computes.defined()) {
      if (p.ownership.here) computes.copy_(p.master);
      parallel_.dp->broadcast(computes, owners_[i]);
    }
  }
}

std::optional<size_t> GradientSync::place_of(size_t trainable_index) const { return places_[trainable_index]; }

double GradientSync::squared_norm(Kernels& kernels) const {
  std::vector<at::Tensor> counted;
  for (size_t i = 0; i < places_.size(); ++i)
    if (places_[i] && decoder_.counts(i)) counted.push_back(owned_[*places_[i]].grad);
  return sum_over_model(kernels.squared_norm(counted));
}

double GradientSync::sum_over_model(double own) const {
  if (replicated() && parallel_.dp->rank() != 0) own = 0;  // everyone has the same
  parallel_.world->all_reduce(std::span(&own, 1));
  return own;
}

int64_t GradientSync::memory_bytes() const {
  int64_t bytes = 0;
  if (!sharded()) return 0;
  for (const Parameter& parameter : owned_)
    if (parameter.grad.defined()) bytes += static_cast<int64_t>(parameter.grad.nbytes());
  return bytes;
}

}  // namespace collie
