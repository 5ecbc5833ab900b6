// Learning rate schedules, clipping, and AdamW against the formulas of torch.optim written out over doubles.
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>
#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "core/error.h"
#include "core/random.h"
#include "engine/optim/adamw.h"
#include "engine/optim/clip.h"
#include "engine/optim/schedule.h"

using namespace collie;

namespace {

Parameter random_parameter(const char* name, int64_t size, Decay decay, Random& random) {
  Parameter parameter{name, at::empty({size}, at::kFloat), at::zeros({size}, at::kFloat), decay};
  for (int64_t i = 0; i < size; ++i) parameter.master.data_ptr<float>()[i] = static_cast<float>(random.uniform() - 0.5);
  return parameter;
}

// torch.optim.AdamW (torch/optim/adamw.py, single tensor), in double.
struct Reference {
  std::vector<double> w, m, v;
  explicit Reference(const at::Tensor& start) {
    for (int64_t i = 0; i < start.numel(); ++i) w.push_back(start.const_data_ptr<float>()[i]);
    m.resize(w.size());
    v.resize(w.size());
  }
  void step(const float* grad, double factor, double lr, int64_t t, const AdamWOptions& o, double decay) {
    for (size_t i = 0; i < w.size(); ++i) {
      const double g = static_cast<double>(grad[i]) * factor;
      w[i] *= 1 - lr * decay;
      m[i] = o.beta1 * m[i] + (1 - o.beta1) * g;
      v[i] = o.beta2 * v[i] + (1 - o.beta2) * g * g;
      const double denominator = std::sqrt(v[i]) / std::sqrt(1 - std::pow(o.beta2, t)) + o.eps;
      w[i] -= lr / (1 - std::pow(o.beta1, t)) * m[i] / denominator;
    }
  }
};

double largest_difference(const at::Tensor& ours, const std::vector<double>& reference) {
  double largest = 0;
  for (size_t i = 0; i < reference.size(); ++i)
    largest = std::max(largest, std::abs(ours.const_data_ptr<float>()[i] - reference[i]));
  return largest;
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

TEST_CASE(
    "AdamW equals torch's formula over 50 steps, decays what should decay, and scales gradients by the clip factor") {
  const auto kernels = make_cpu_kernels();
  Random random(11);
  std::vector<Parameter> parameters;
  parameters.push_back(random_parameter("weight", 1037, Decay::yes, random));  // no multiple of a vector width
  parameters.push_back(random_parameter("norm", 64, Decay::no, random));
  const AdamWOptions options{0.9, 0.95, 1e-8, 0.1};
  AdamW optimizer(options, parameters, *kernels);
  std::vector<Reference> references = {Reference(parameters[0].master), Reference(parameters[1].master)};
  for (int64_t step = 1; step <= 50; ++step) {
    const double lr = 1e-3 * static_cast<double>(step);
    const double factor = step % 3 == 0 ? 0.25 : 1.0;
    for (size_t p = 0; p < parameters.size(); ++p) {
      float* grad = parameters[p].grad.data_ptr<float>();
      for (int64_t i = 0; i < parameters[p].grad.numel(); ++i) grad[i] = static_cast<float>(random.uniform() - 0.5);
      references[p].step(grad, factor, lr, step, options, p == 0 ? options.weight_decay : 0);
    }
    optimizer.step(parameters, {step, lr, factor});
  }
  for (size_t p = 0; p < parameters.size(); ++p)
    CHECK(largest_difference(parameters[p].master, references[p].w) <= 1e-6);
  const std::vector<NamedTensor> state = optimizer.state();
  REQUIRE(state.size() == 4);
  CHECK(state[0].name == "weight.m");
  CHECK(state[1].name == "weight.v");
  CHECK(largest_difference(state[0].tensor, references[0].m) <= 1e-6);
  CHECK(largest_difference(state[1].tensor, references[0].v) <= 1e-6);
  CHECK(optimizer.memory_bytes() == 2 * 4 * (1037 + 64));
}

TEST_CASE("the registry makes AdamW and refuses what it does not know") {
  const auto kernels = make_cpu_kernels();
  std::vector<Parameter> none;
  const OptimizerSpec adamw{"adamw", 1e-4, {{"beta1", 0.9}, {"beta2", 0.999}, {"eps", 1e-8}, {"weight_decay", 0.0}}};
  CHECK(make_optimizer(adamw, none, *kernels) != nullptr);
  CHECK_THROWS_AS(make_optimizer({"lion", 1e-4, {}}, none, *kernels), Error);
}
