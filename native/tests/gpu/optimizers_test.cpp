// Update rules: both sides get the CPU's gradients, so that only the rules differ.
#include <ATen/ATen.h>
#include <doctest/doctest.h>

#include "engine/optim_problem.h"
#include "pair.h"

namespace collie::test {
namespace {

Parameter on_device(const Parameter& p) {
  Parameter other = p;
  other.master = p.master.to(device_under_test(), p.master.scalar_type(), false, /*copy=*/true);
  other.grad = p.grad.to(device_under_test(), at::kFloat, false, /*copy=*/true);
  return other;
}

struct Sides {
  std::vector<ProblemTensor> problems;
  std::vector<Parameter> cpu, device;
  Sides(const OptimizerCase& one, at::ScalarType weights) {
    for (const std::string& name : one.parameters) {
      problems.emplace_back(name, one.pulled);
      cpu.push_back(problems.back().parameter(weights));
      device.push_back(on_device(cpu.back()));
    }
  }
  void gradients(int64_t step) {
    for (size_t i = 0; i < cpu.size(); ++i) {
      problems[i].gradient(cpu[i], step);
      device[i].grad.copy_(cpu[i].grad);
    }
  }
};

void observe(Optimizer& on_cpu, Optimizer& on_gpu, Sides& sides, int64_t step) {
  if (on_cpu.curvature_interval() == 0 || (step - 1) % on_cpu.curvature_interval() != 0) return;
  for (size_t i = 0; i < sides.cpu.size(); ++i) {
    sides.problems[i].sampled_gradient(sides.cpu[i], step);
    sides.device[i].grad.copy_(sides.cpu[i].grad);
    on_cpu.observe_curvature(i, sides.cpu[i], kCurvatureTokens);
    on_gpu.observe_curvature(i, sides.device[i], kCurvatureTokens);
  }
}

TEST_CASE("every optimizer: weights after eight steps") {
  const auto cpu = make_cpu_kernels();
  const auto device = device_kernels();
  for (const OptimizerCase& one : optimizer_cases())
    for (const at::ScalarType weights : {at::kFloat, at::kBFloat16}) {
      CAPTURE(one.name);
      Sides sides(one, weights);
      const auto on_cpu = make_optimizer(one.spec, sides.cpu, *cpu),
                 on_gpu = make_optimizer(one.spec, sides.device, *device);
      for (int64_t step = 1; step <= 8; ++step) {
        sides.gradients(step);
        const OptimizerStep now{step, one.spec.learning_rate, 0.7};
        on_cpu->step(sides.cpu, now);
        on_gpu->step(sides.device, now);
        observe(*on_cpu, *on_gpu, sides, step);
      }
      for (size_t i = 0; i < sides.cpu.size(); ++i) {
        CAPTURE(sides.cpu[i].name);
        CHECK(relative_error(on_host(sides.device[i].master), on_host(sides.cpu[i].master)) <
              (weights == at::kFloat ? 1e-4 : 1e-2));
      }
    }
}

TEST_CASE("norms and finite checks of gradients") {
  const auto device = device_kernels();
  at::manual_seed(6);
  for (const int64_t n : {0, 1, 255, 100001, 1000003}) {
    const at::Tensor x = at::randn({n}), there = x.to(device_under_test());
    CHECK(device->squared_norm(there) ==
          doctest::Approx(x.to(at::kDouble).square().sum().item<double>()).epsilon(1e-12));
    CHECK(device->all_finite(there));
    if (n == 0) continue;
    there[n - 1].fill_(NAN);
    CHECK(!device->all_finite(there));
  }
}

}  // namespace
}  // namespace collie::test
