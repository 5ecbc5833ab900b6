#include "engine/train/step.h"

#include <chrono>
#include <cmath>
#include <stdexcept>
#include <string>

#include "core/error.h"
#include "core/random.h"
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
              "The gradient of " + (parameter.empty() ? "all parameters together" : parameter) + " is not finite in step " +
                  std::to_string(step) + ".",
              kNonFiniteHint, {{"step", step}, {"parameter", parameter}, {"rows", rows_of(plan)}});
}

std::string first_not_finite(const StepParts& parts) {
  for (const Parameter& parameter : parts.decoder.trainable())
    if (!parts.kernels.all_finite(parameter.grad)) return parameter.name;
  return "";
}

// Gradients of all micro-batches of a step; returns the sum of losses.
double accumulate(const StepParts& parts, const StepPlan& plan, int64_t step, const Labels& labels) {
  parts.decoder.zero_grad();
  double loss_sum = 0;
  for (size_t i = 0; i < plan.micro_batches.size(); ++i) {
    const PackedBatch batch = pack(parts.rows, plan.micro_batches[i]);
    Labels own = labels;
    own.key += i;
    const double scale = 1.0 / static_cast<double>(plan.targets);
    const LossSums sums = parts.decoder.forward_backward(batch, scale, micro_batch_key(step, i), own);
    if (!std::isfinite(sums.loss)) loss_not_finite(step + 1, i, plan.micro_batches[i], sums.loss);
    loss_sum += sums.loss;
  }
  return loss_sum;
}

// The optimizer's look at the curvature, where one is due: gradients of the same rows on labels that the model itself draws.
// Returns the seconds it took.
double observe_curvature(const StepParts& parts, const StepPlan& plan, int64_t step) {
  const int64_t interval = parts.optimizer.curvature_interval();
  if (interval == 0 || step % interval != 0) return 0;
  const auto begin = std::chrono::steady_clock::now();
  accumulate(parts, plan, step, {LabelSource::model, micro_batch_key(step, plan.micro_batches.size())});
  const std::span<Parameter> parameters = parts.decoder.trainable();
  for (size_t i = 0; i < parameters.size(); ++i)
    parts.optimizer.observe_curvature(i, parameters[i], static_cast<double>(plan.targets));
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

}  // namespace

StepResult train_step(const StepParts& parts, const StepPlan& plan, const StepSettings& settings) {
  const int64_t number = settings.step + 1;  // as the user counts
  const double loss_sum = accumulate(parts, plan, settings.step, {});
  parts.decoder.finish_gradients();
  const double norm = global_grad_norm(parts.decoder.trainable(), parts.kernels);
  if (!std::isfinite(norm)) gradient_not_finite(number, plan, first_not_finite(parts));
  const double factor = clip_factor(norm, settings.max_grad_norm);
  parts.optimizer.step(parts.decoder.trainable(), {number, settings.learning_rate, factor});
  std::optional<RankReport> ranks = parts.decoder.after_update({number, settings.total_steps, factor});
  parts.decoder.sync_weights();
  const double seconds = observe_curvature(parts, plan, settings.step);
  return {loss_sum / static_cast<double>(plan.targets), norm, seconds, std::move(ranks)};
}

StepResult fused_train_step(const StepParts& parts, const StepPlan& plan, const StepSettings& settings) {
  if (plan.micro_batches.size() != 1) throw std::logic_error("a fused step has one micro-batch");
  const int64_t number = settings.step + 1;
  const double scale = 1.0 / static_cast<double>(plan.targets);
  const PackedBatch batch = pack(parts.rows, plan.micro_batches[0]);
  const auto pass = [&](const GradientReceiver& receive) {
    const LossSums sums =
        parts.decoder.forward_backward_fused(batch, scale, micro_batch_key(settings.step, 0), receive);
    if (!std::isfinite(sums.loss)) loss_not_finite(number, 0, plan.micro_batches[0], sums.loss);
    return sums.loss * scale;
  };
  double squares = 0;
  const auto measure = [&](const CompletedGradients& completed) {
    for (const Parameter& parameter : completed.parameters) {
      const double square = parts.kernels.squared_norm(parameter.grad);
      if (!std::isfinite(square)) gradient_not_finite(number, plan, parameter.name);
      squares += square;
    }
  };
  OptimizerStep now{number, settings.learning_rate, 1};
  const bool clips = settings.max_grad_norm > 0;
  if (clips) {
    pass(measure);
    now.grad_factor = clip_factor(std::sqrt(squares), settings.max_grad_norm);
  }
  const double loss = pass([&](const CompletedGradients& completed) {
    if (!clips) measure(completed);
    for (size_t i = 0; i < completed.parameters.size(); ++i)
      parts.optimizer.update(completed.first + i, completed.parameters[i], now);
  });
  return {loss, std::sqrt(squares), 0, std::nullopt};
}

}  // namespace collie
