#include "engine/train/gradient_sync.h"

#include <ATen/ops/zeros_like.h>

#include <algorithm>
#include <numeric>

namespace collie {

namespace {

int64_t whole_elements(const Parameter& parameter) {
  const int64_t elements = parameter.master.numel();
  const Slice& slice = parameter.placement.slice;
  return slice.dim < 0 ? elements : elements / std::max<int64_t>(slice.range.size, 1) * slice.whole;
}

}  // namespace

std::vector<int64_t> owners_of(std::span<const Parameter> parameters, int64_t ranks) {
  std::vector<size_t> order(parameters.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::stable_sort(order, std::ranges::greater{}, [&](size_t i) { return whole_elements(parameters[i]); });
  std::vector<int64_t> load(static_cast<size_t>(ranks)), owners(parameters.size());
  for (const size_t i : order) {
    const auto least = std::ranges::min_element(load);
    owners[i] = least - load.begin();
    *least += whole_elements(parameters[i]);
  }
  return owners;
}

GradientSync::GradientSync(Decoder& decoder, const Parallel& parallel)
    : decoder_(decoder),
      parallel_(parallel),
      owners_(owners_of(decoder.trainable(), parallel.dp->size())),
      places_(owners_.size()),
      started_(owners_.size()) {
  const std::span<Parameter> all = decoder.trainable();
  for (size_t i = 0; i < all.size(); ++i) {
    if (!owns(i)) continue;
    places_[i] = owned_.size();
    owned_.push_back(all[i]);
    if (sharded()) owned_.back().grad = at::zeros_like(all[i].grad);
  }
  if (parallel.dp->size() > 1 && !sharded()) worker_ = std::thread([this] { work(); });
}

GradientSync::~GradientSync() {
  if (!worker_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    ends_ = true;
  }
  changed_.notify_all();
  worker_.join();
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
  if (!worker_.joinable()) return {};
  return [this](const CompletedGradients& completed) {
    for (size_t i = completed.first; i < completed.first + completed.parameters.size(); ++i) queue(i);
  };
}

void GradientSync::queue(size_t index) {
  const std::lock_guard lock(mutex_);
  started_[index] = true;
  queue_.push_back(index);
  changed_.notify_all();
}

void GradientSync::idle_micro_batch() {
  if (sharded()) decoder_.hand_out_all(receiver());
}

void GradientSync::work() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return ends_ || !queue_.empty(); });
    if (queue_.empty()) return;
    const size_t index = queue_.front();
    queue_.pop_front();
    busy_ = true;
    lock.unlock();
    std::exception_ptr failure;
    try {
      reduce(index);
    } catch (...) {
      failure = std::current_exception();
    }
    lock.lock();
    if (failure) failure_ = failure;
    busy_ = false;
    changed_.notify_all();
  }
}

void GradientSync::wait_for_worker() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return queue_.empty() && !busy_; });
  if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
}

void GradientSync::tie() {
  if (const auto table = decoder_.tied_table()) parallel_.ends->all_reduce(decoder_.trainable()[*table].grad);
}

void GradientSync::finish() {
  tie();
  const auto table = decoder_.tied_table();
  if (table && sharded()) keep({decoder_.trainable().subspan(*table, 1), *table});
  if (worker_.joinable()) {
    if (table) queue(*table);
    // A rank without micro-batches has started nothing: the same order as a backward pass.
    decoder_.visit_hand_outs([this](const CompletedGradients& completed) {
      for (size_t i = completed.first; i < completed.first + completed.parameters.size(); ++i)
        if (!started_[i]) queue(i);
    });
    wait_for_worker();
  }
  if (!sharded()) decoder_.finish_gradients();
}

void GradientSync::reduce_now(const CompletedGradients& completed) {
  for (size_t i = 0; i < completed.parameters.size(); ++i) reduce(completed.first + i);
}

void GradientSync::share(size_t first, size_t count) {
  if (replicated()) return;
  const std::span<Parameter> all = decoder_.trainable();
  for (size_t i = first; i < first + count; ++i) parallel_.dp->broadcast(all[i].master, owners_[i]);
}

std::optional<size_t> GradientSync::place_of(size_t trainable_index) const { return places_[trainable_index]; }

double GradientSync::squared_norm(Kernels& kernels) const {
  double sum = 0;
  for (const Parameter& parameter : owned_)
    if (parameter.placement.counted == Counted::yes) sum += kernels.squared_norm(parameter.grad);
  return sum_over_model(sum);
}

double GradientSync::sum_over_model(double own) const {
  if (replicated() && parallel_.dp->rank() != 0) own = 0;  // everyone has the same
  parallel_.world->all_reduce(std::span(&own, 1));
  return own;
}

int64_t GradientSync::memory_bytes() const {
  int64_t bytes = 0;
  if (sharded())
    for (const Parameter& parameter : owned_) bytes += static_cast<int64_t>(parameter.grad.nbytes());
  return bytes;
}

}  // namespace collie
