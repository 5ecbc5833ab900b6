// Learning rate as a pure function of the step: nothing to save, the same after a resume.
#pragma once

#include <cstdint>

#include "core/recipe/run_spec.h"

namespace collie {

// Steps of warm-up: the share `warmup_ratio` of all steps, rounded up (as Hugging Face's Trainer rounds).
int64_t warmup_steps(const ScheduleSpec& schedule, int64_t total_steps);

// Rate of optimizer step `step` (0 is the first) of `total_steps`. Warm-up of W steps: peak (step + 1) / (W + 1), so that no
// step is spent at a rate of zero. After it, with p = (step - W) / (total - W): constant stays at peak, linear falls as
// 1 - p, cosine as (1 + cos(pi p)) / 2, both towards peak min_lr_ratio.
double learning_rate(const ScheduleSpec& schedule, double peak, int64_t step, int64_t total_steps);

}  // namespace collie
