#include "engine/train/step.h"

#include <chrono>
#include <cmath>
#include <stdexcept>
#include <string>

#include "core/base/error.h"
#include "core/base/random.h"
#include "engine/optim/clip.h"

namespace collie {

namespace {

constexpr const char* kNonFiniteHint =
    "Nothing was saved over: resume the last checkpoint. Lower the learning rate, use fp32, and look at these rows of "
    "the "
    "training data.";

// Differs between all micro-batches of a run; with the decoder's seed it decides dropout masks and sampled labels.
uint64_t micro_batch_key(int64_t step, size_t micro_batch) {
  uint64_t state = static_cast<uint64_t>(step);
  state = splitmix64(state) + micro_batch;
  return splitmix64(state);
}

[[noreturn]] void loss_not_finite(int64_t step, size_t micro_batch, const std::vector<int64_t>& rows, double loss) {
  throw Error("train.non_finite",
              "The loss is " + std::to_string(loss) + " in step " + std::to_string(step) + ", micro-batch " +
                  std::to_string(micro_batch) + ".",
              kNonFiniteHint, {{"step", step}, {"micro_batch", micro_batch}, {"rows", rows}});
}

std::vector<int64_t> rows_of(const StepPlan& plan) {
  std::vector<int64_t> rows;
  for (const auto& micro_batch : plan.micro_batches) rows.insert(rows.end(), micro_batch.begin(), micro_batch.end());
  return rows;
}

[[noreturn]] void gradient_not_finite(int64_t step, const StepPlan& plan, const std::string& parameter) {
  throw Error("train.non_finite",
              "The gradient of " + (parameter.empty() ? "all parameters together" : parameter) +
                  " is not finite in step " + std::to_string(step) + ".",
              kNonFiniteHint, {{"step", step}, {"parameter", parameter}, {"rows", rows_of(plan)}});
}

// Throws on the rank that has a gradient that is not finite, which the others wait for: it can name the parameter. Where none is
// found, all of them together were too large.
[[noreturn]] void refuse_gradients(const StepParts& parts, std::span<const Parameter> parameters, int64_t step,
                                   const StepPlan& plan) {
  std::string name;
  for (const Parameter& parameter : parameters)
    if (name.empty() && !parts.kernels.all_finite(parameter.grad)) name = parameter.name;
  double finders = name.empty() ? 0 : 1;
  parts.parallel.world->all_reduce(std::span(&finders, 1));
  if (finders > 0 && name.empty()) parts.parallel.world->barrier();  // the finder ends all ranks
  gradient_not_finite(step, plan, name);
}

// The micro-batches of this rank.
std::vector<MicroBatch> own_micro_batches(const StepParts& parts, const StepPlan& plan, int64_t step,
                                          const Labels& labels) {
  std::vector<MicroBatch> own;
  const auto ranks = static_cast<size_t>(parts.parallel.spec.dp_size);
  for (auto i = static_cast<size_t>(parts.parallel.place.dp_rank); i < plan.micro_batches.size(); i += ranks) {
    Labels drawn = labels;
    drawn.key += i;
    own.push_back({pack(parts.rows, plan.micro_batches[i]), 1.0 / plan.weight, micro_batch_key(step, i), drawn,
                   parts.objective.factors()});
  }
  return own;
}

// Micro-batches of the data-parallel rank that has most of them.
size_t most_micro_batches(const StepParts& parts, const StepPlan& plan) {
  const auto ranks = static_cast<size_t>(parts.parallel.spec.dp_size);
  return (plan.micro_batches.size() + ranks - 1) / ranks;
}

// The sum of losses of the whole step, from what the heads of the pipelines have seen.
double step_loss(const StepParts& parts, const StepPlan& plan, int64_t step, const std::vector<LossSums>& own) {
  double loss = 0;
  const auto ranks = static_cast<size_t>(parts.parallel.spec.dp_size);
  for (size_t i = 0; i < own.size(); ++i) {
    const size_t micro_batch = i * ranks + static_cast<size_t>(parts.parallel.place.dp_rank);
    if (!std::isfinite(own[i].loss))
      loss_not_finite(step + 1, micro_batch, plan.micro_batches[micro_batch], own[i].loss);
    loss += own[i].loss;
  }
  if (parts.parallel.place.tp_rank != 0) loss = 0;  // the group has the same
  parts.parallel.world->all_reduce(std::span(&loss, 1));
  return loss;
}

// Gradients of all micro-batches of a step; returns the sum of losses.
double accumulate(const StepParts& parts, const StepPlan& plan, int64_t step, const Labels& labels) {
  parts.sync.begin();
  const std::vector<MicroBatch> own = own_micro_batches(parts, plan, step, labels);
  const std::vector<LossSums> losses = parts.pipeline.train(own, parts.sync.receiver(), parts.sync.gradients_ready());
  for (size_t i = own.size(); i < most_micro_batches(parts, plan); ++i) parts.sync.idle_micro_batch();
  parts.sync.finish();
  return step_loss(parts, plan, step, losses);
}

// The optimizer's look at the curvature, where one is due: gradients of the same rows on labels that the model itself draws.
// Returns the seconds it took; nullopt in steps without one.
std::optional<double> observe_curvature(const StepParts& parts, const StepPlan& plan, int64_t step) {
  const int64_t interval = parts.optimizer.curvature_interval();
  if (interval == 0 || step % interval != 0) return std::nullopt;
  const auto begin = std::chrono::steady_clock::now();
  accumulate(parts, plan, step, {LabelSource::model, micro_batch_key(step, plan.micro_batches.size())});
  const std::span<Parameter> parameters = parts.sync.owned();
  for (size_t i = 0; i < parameters.size(); ++i)
    parts.optimizer.observe_curvature(i, parameters[i], static_cast<double>(plan.targets));
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

// One backward pass that passes on every layer's summed gradients.
double fused_pass(const StepParts& parts, const StepPlan& plan, int64_t step, const GradientReceiver& use) {
  const std::vector<MicroBatch> own = own_micro_batches(parts, plan, step, {});
  const GradientReceiver receive = [&](const CompletedGradients& completed) {
    parts.sync.reduce_now(completed);
    use(completed);
  };
  const std::vector<LossSums> losses = parts.pipeline.train(own, receive, GradientsReady::every_micro_batch);
  if (own.empty()) {
    parts.decoder.idle_forward();
    parts.decoder.idle_backward(receive);
  }
  parts.sync.tie();
  parts.decoder.on_tied_gradients_ready(receive);
  return step_loss(parts, plan, step, losses) / plan.weight;
}

}  // namespace

StepResult train_step(const StepParts& parts, const StepPlan& plan, const StepSettings& settings) {
  const int64_t number = settings.step + 1;  // as the user counts
  const double loss_sum = accumulate(parts, plan, settings.step, {});
  const double norm = std::sqrt(parts.sync.squared_norm(parts.kernels));
  if (!std::isfinite(norm)) refuse_gradients(parts, parts.sync.owned(), number, plan);
  const double factor = clip_factor(norm, settings.max_grad_norm);
  parts.optimizer.step(parts.sync.owned(), {number, settings.learning_rate, factor});
  parts.sync.share_all();
  std::optional<RankReport> ranks = parts.decoder.after_update({number, settings.total_steps, factor});
  parts.decoder.sync_weights();
  Metrics metrics;
  if (const auto seconds = observe_curvature(parts, plan, settings.step)) metrics["curvature_seconds"] = *seconds;
  return {loss_sum / plan.weight, norm, std::move(metrics), std::move(ranks)};
}

StepResult fused_train_step(const StepParts& parts, const StepPlan& plan, const StepSettings& settings) {
  if (most_micro_batches(parts, plan) != 1) throw std::logic_error("a fused step has one micro-batch a rank");
  const int64_t number = settings.step + 1;
  double squares = 0;
  const auto measure = [&](const CompletedGradients& completed) {
    for (size_t i = 0; i < completed.parameters.size(); ++i) {
      const Parameter& parameter = completed.parameters[i];
      if (!parts.sync.owns(completed.first + i)) continue;
      const double square = parts.kernels.squared_norm(parameter.grad);
      if (!std::isfinite(square)) gradient_not_finite(number, plan, parameter.name);
      if (parts.decoder.counts(completed.first + i)) squares += square;
    }
  };
  const auto norm = [&] { return std::sqrt(parts.sync.sum_over_model(squares)); };
  OptimizerStep now{number, settings.learning_rate, 1};
  const bool clips = settings.max_grad_norm > 0;
  double grad_norm = 0;
  if (clips) {
    fused_pass(parts, plan, settings.step, measure);
    grad_norm = norm();
    now.grad_factor = clip_factor(grad_norm, settings.max_grad_norm);
  }
  const double loss = fused_pass(parts, plan, settings.step, [&](const CompletedGradients& completed) {
    if (!clips) measure(completed);
    for (size_t i = 0; i < completed.parameters.size(); ++i)
      if (const auto place = parts.sync.place_of(completed.first + i))
        parts.optimizer.update(*place, completed.parameters[i], now);
    parts.sync.share(completed.first, completed.parameters.size());
  });
  return {loss, clips ? grad_norm : norm(), {}, std::nullopt};
}

}  // namespace collie
