// Learning rate schedules and clipping.
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>
#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "core/base/random.h"
#include "engine/optim/clip.h"
#include "engine/optim/schedule.h"

using namespace collie;

namespace {

Parameter random_parameter(const char* name, int64_t size, Decay decay, Random& random) {
  Parameter parameter{name, at::empty({size}, at::kFloat), at::zeros({size}, at::kFloat), decay};
  for (int64_t i = 0; i < size; ++i) parameter.master.data_ptr<float>()[i] = static_cast<float>(random.uniform() - 0.5);
  return parameter;
}

}  // namespace

TEST_CASE("warm-up rises from above zero to the peak, and the fall starts at the peak") {
  const ScheduleSpec schedule{ScheduleType::cosine, 0.1, 0.0};
  CHECK(warmup_steps(schedule, 100) == 10);
  CHECK(warmup_steps({ScheduleType::cosine, 0.1, 0}, 30) == 3);  // 0.1 * 30 is above 3 in floating point
  CHECK(learning_rate(schedule, 1.0, 0, 100) == doctest::Approx(1.0 / 11));
  CHECK(learning_rate(schedule, 1.0, 9, 100) == doctest::Approx(10.0 / 11));
  CHECK(learning_rate(schedule, 1.0, 10, 100) == doctest::Approx(1.0));
  CHECK(learning_rate(schedule, 1.0, 55, 100) == doctest::Approx(0.5));
  CHECK(learning_rate(schedule, 1.0, 99, 100) > 0);
  CHECK(learning_rate(schedule, 1.0, 100, 100) == doctest::Approx(0.0));
}

TEST_CASE("linear and constant schedules, and the final share") {
  CHECK(learning_rate({ScheduleType::linear, 0, 0}, 2.0, 25, 100) == doctest::Approx(1.5));
  CHECK(learning_rate({ScheduleType::linear, 0, 0.2}, 1.0, 100, 100) == doctest::Approx(0.2));
  CHECK(learning_rate({ScheduleType::cosine, 0, 0.2}, 1.0, 50, 100) == doctest::Approx(0.6));
  for (const int64_t step : {0, 1, 57, 99})
    CHECK(learning_rate({ScheduleType::constant, 0, 0}, 3.0, step, 100) == doctest::Approx(3.0));
  CHECK(learning_rate({ScheduleType::linear, 1, 0}, 1.0, 99, 100) < 1.0);  // nothing but warm-up
}

TEST_CASE("clipping is torch's: the factor never enlarges, and 0 turns it off") {
  CHECK(clip_factor(0.5, 1.0) == 1.0);
  CHECK(clip_factor(4.0, 1.0) == doctest::Approx(1.0 / (4.0 + 1e-6)));
  CHECK(clip_factor(1e9, 0) == 1.0);
}

TEST_CASE("the norm is over all parameters, and not finite when one gradient is not") {
  const auto kernels = make_cpu_kernels();
  Random random(3);
  std::vector<Parameter> parameters;
  parameters.push_back(random_parameter("a", 3, Decay::yes, random));
  parameters.push_back(random_parameter("b", 2, Decay::yes, random));
  parameters[0].grad.fill_(2);
  parameters[1].grad.fill_(-1);
  CHECK(global_grad_norm(parameters, *kernels) == doctest::Approx(std::sqrt(14.0)));
  parameters[1].grad.data_ptr<float>()[1] = std::nanf("");
  CHECK_FALSE(std::isfinite(global_grad_norm(parameters, *kernels)));
}
