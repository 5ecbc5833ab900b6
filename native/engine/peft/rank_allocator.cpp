#include "engine/peft/rank_allocator.h"

#include <ATen/ops/abs.h>
#include <ATen/ops/mean.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/sub.h>

#include <algorithm>
#include <cmath>

namespace collie {
namespace {

const ModelMethodRegistration kAdaLora("adalora", [](const MethodSpec& method,
                                                     const std::vector<LinearAdapter*>& adapters) {
  return std::unique_ptr<ModelMethod>(std::make_unique<RankAllocator>(method, adapters));
});

// Sensitivity |p g|, its mean over steps, and the mean of its distance from that mean.
void smooth(const AdaLoraAdapter::Triplets::Importance& i, double grad_factor, double beta1, double beta2) {
  const at::Tensor sensitivity = at::abs(at::mul(i.value, i.grad)).mul_(grad_factor);
  i.mean.mul_(beta1).add_(sensitivity, 1 - beta1);
  i.uncertainty.mul_(beta2).add_(at::abs(at::sub(sensitivity, i.mean)), 1 - beta2);
}

at::Tensor element_scores(const AdaLoraAdapter::Triplets::Importance& i) { return at::mul(i.mean, i.uncertainty); }

// [rank]: the score of the value, and the mean scores of its two vectors.
at::Tensor scores_of(const AdaLoraAdapter::Triplets& t) {
  const at::Tensor vectors = at::mean(element_scores(t.a), {1}).add_(at::mean(element_scores(t.b), {0}));
  return element_scores(t.e).view({-1}).add(vectors).to(at::kCPU);
}

int64_t steps_of(double ratio, int64_t total) { return std::llround(ratio * static_cast<double>(total)); }

}  // namespace

RankSchedule RankSchedule::make(const MethodSpec& method, int64_t adapters, int64_t total_steps) {
  RankSchedule s{.first = method.integer("init_rank") * adapters,
                 .target = method.integer("target_rank") * adapters,
                 .total = total_steps,
                 .interval = method.integer("interval")};
  s.final = std::min(steps_of(method.number("end_ratio"), total_steps), total_steps - 1);
  s.warmup = std::min(steps_of(method.number("start_ratio"), total_steps), s.last_allocation() - 1);
  return s;
}

int64_t RankSchedule::budget(int64_t step) const {
  if (step <= warmup) return first;
  if (step > last_allocation()) return target;
  const double left = 1 - static_cast<double>(step - warmup) / static_cast<double>(last_allocation() - warmup);
  return static_cast<int64_t>(static_cast<double>(first - target) * left * left * left + static_cast<double>(target));
}

bool RankSchedule::allocates(int64_t step) const {
  if (step == last_allocation()) return true;
  return step > warmup && step < last_allocation() && step % interval == 0;
}

RankAllocator::RankAllocator(const MethodSpec& method, const std::vector<LinearAdapter*>& adapters)
    : method_(method), beta1_(method.number("beta1")), beta2_(method.number("beta2")) {
  std::vector<AdaLoraAdapter*> own;
  for (LinearAdapter* adapter : adapters) own.push_back(&dynamic_cast<AdaLoraAdapter&>(*adapter));
  for (const AdaLoraAdapter* adapter : own)
    for (const Triplets& t : adapter->triplets()) triplets_.push_back(&t);
  // The penalty is a mean over all A and B of the model.
  const auto matrices = static_cast<double>(2 * std::max<size_t>(triplets_.size(), 1));
  for (AdaLoraAdapter* adapter : own) adapter->set_penalty(method.number("orthogonality") / matrices);
}

std::optional<RankReport> RankAllocator::after_update(const StepProgress& now) {
  const RankSchedule schedule = RankSchedule::make(method_, static_cast<int64_t>(triplets_.size()), now.total_steps);
  if (now.step < schedule.last_allocation()) measure(now.grad_factor);
  if (schedule.allocates(now.step)) {
    keep(schedule.budget(now.step));
    apply();
    return report(schedule.target);
  }
  // Between allocations a pruned value may come back, at the end no more.
  if (now.step > schedule.last_allocation()) apply();
  return std::nullopt;
}

void RankAllocator::measure(double grad_factor) {
  for (const Triplets* t : triplets_)
    for (const auto* importance : {&t->a, &t->b, &t->e}) smooth(*importance, grad_factor, beta1_, beta2_);
}

void RankAllocator::keep(int64_t budget) {
  std::vector<at::Tensor> scores;
  std::vector<float> all;
  for (const Triplets* t : triplets_) {
    scores.push_back(scores_of(*t));
    all.insert(all.end(), scores.back().const_data_ptr<float>(),
               scores.back().const_data_ptr<float>() + scores.back().numel());
  }
  const int64_t pruned = static_cast<int64_t>(all.size()) - budget;
  if (pruned <= 0) return;
  const auto last = all.begin() + (pruned - 1);
  std::nth_element(all.begin(), last, all.end());
  const float threshold = *last;
  for (size_t i = 0; i < triplets_.size(); ++i) triplets_[i]->kept.copy_(scores[i].gt(threshold));
}

void RankAllocator::apply() const {
  for (const Triplets* t : triplets_) t->e.value.mul_(t->kept.unsqueeze(1));
}

RankReport RankAllocator::report(int64_t target) const {
  RankReport report{.total = 0, .target = target, .modules = {}};
  for (const Triplets* t : triplets_) {
    const auto rank = static_cast<int64_t>(t->kept.sum().item<float>());
    report.modules[t->module] = rank;
    report.total += rank;
  }
  return report;
}

}  // namespace collie
