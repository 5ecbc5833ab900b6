#include "engine/train/step.h"

#include <cmath>
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

// Differs between all micro-batches of a run; with the decoder's seed it decides the dropout masks.
uint64_t dropout_key(int64_t step, size_t micro_batch) {
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

[[noreturn]] void gradient_not_finite(int64_t step, const StepPlan& plan, const StepParts& parts) {
  std::string name;
  for (const Parameter& parameter : parts.decoder.trainable())
    if (!parts.kernels.all_finite(parameter.grad)) {
      name = parameter.name;
      break;
    }
  std::vector<int64_t> rows;
  for (const auto& micro_batch : plan.micro_batches) rows.insert(rows.end(), micro_batch.begin(), micro_batch.end());
  throw Error("train.non_finite",
              "The gradient of " + (name.empty() ? "all parameters together" : name) + " is not finite in step " +
                  std::to_string(step) + ".",
              kNonFiniteHint, {{"step", step}, {"parameter", name}, {"rows", rows}});
}

}  // namespace

StepResult train_step(const StepParts& parts, const StepPlan& plan, const StepSettings& settings) {
  const int64_t number = settings.step + 1;  // as the user counts
  const double grad_scale = 1.0 / static_cast<double>(plan.targets);
  parts.decoder.zero_grad();
  double loss_sum = 0;
  for (size_t i = 0; i < plan.micro_batches.size(); ++i) {
    const PackedBatch batch = pack(parts.rows, plan.micro_batches[i]);
    const LossSums sums = parts.decoder.forward_backward(batch, grad_scale, dropout_key(settings.step, i));
    if (!std::isfinite(sums.loss)) loss_not_finite(number, i, plan.micro_batches[i], sums.loss);
    loss_sum += sums.loss;
  }
  parts.decoder.finish_gradients();
  const double norm = global_grad_norm(parts.decoder.trainable(), parts.kernels);
  if (!std::isfinite(norm)) gradient_not_finite(number, plan, parts);
  const double factor = clip_factor(norm, settings.max_grad_norm);
  parts.optimizer.step(parts.decoder.trainable(), {number, settings.learning_rate, factor});
  std::optional<RankReport> ranks = parts.decoder.after_update({number, settings.total_steps, factor});
  parts.decoder.sync_weights();
  return {loss_sum * grad_scale, norm, std::move(ranks)};
}

}  // namespace collie
