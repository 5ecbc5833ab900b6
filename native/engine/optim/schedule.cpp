#include "engine/optim/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace collie {

int64_t warmup_steps(const ScheduleSpec& schedule, int64_t total_steps) {
  // The tolerance keeps 0.1 * 30 = 3.0000000000000004 at 3.
  return static_cast<int64_t>(std::ceil(schedule.warmup_ratio * static_cast<double>(total_steps) - 1e-9));
}

double learning_rate(const ScheduleSpec& schedule, double peak, int64_t step, int64_t total_steps) {
  const int64_t warmup = warmup_steps(schedule, total_steps);
  if (step < warmup) return peak * static_cast<double>(step + 1) / static_cast<double>(warmup + 1);
  if (schedule.type == ScheduleType::constant) return peak;
  const int64_t falling = std::max<int64_t>(total_steps - warmup, 1);
  const double progress = std::min(1.0, static_cast<double>(step - warmup) / static_cast<double>(falling));
  const double remaining =
      schedule.type == ScheduleType::linear ? 1 - progress : 0.5 * (1 + std::cos(std::numbers::pi * progress));
  return peak * (schedule.min_lr_ratio + (1 - schedule.min_lr_ratio) * remaining);
}

}  // namespace collie
