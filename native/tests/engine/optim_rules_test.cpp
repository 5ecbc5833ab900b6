// Every registered update rule: against its reference, over a resume, with bf16 weights, and against what core says of it.
#include <ATen/TensorOperators.h>
#include <ATen/ops/allclose.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <doctest/doctest.h>

#include <cmath>
#include <filesystem>
#include <set>

#include "../fixtures.h"
#include "core/base/error.h"
#include "core/formats/safetensors.h"
#include "engine/checkpoint/tensor_io.h"
#include "optim_problem.h"

namespace collie::test {
namespace {

constexpr double kTolerance = 1e-6;

// Weights after all steps, under this instruction set.
std::vector<Parameter> result_of(const OptimizerCase& one, Kernels& kernels, at::ScalarType weights = at::kFloat) {
  ProblemRun run(one, kernels, weights);
  run.steps(1, kProblemSteps);
  return run.parameters;
}

}  // namespace

TEST_CASE("every optimizer of the spec has an update rule and a reference") {
  std::set<std::string> with_fixture, with_fields;
  for (const OptimizerCase& one : optimizer_cases()) with_fixture.insert(one.spec.type);
  for (const OptimizerRule& rule : optimizer_rules()) with_fields.insert(rule.type);
  const std::vector<std::string> registered = registered_optimizers();
  CHECK((with_fields == std::set<std::string>(registered.begin(), registered.end())));
  CHECK((with_fields == with_fixture));
  const auto kernels = make_cpu_kernels();
  CHECK_THROWS_AS(make_optimizer({"no such rule", 1e-4, {}}, {}, *kernels), Error);
}

TEST_CASE("50 steps of every optimizer equal its reference") {
  const auto kernels = make_cpu_kernels();
  for (const OptimizerCase& one : optimizer_cases()) {
    CAPTURE(one.name);
    const SafetensorsFile reference(fixtures() / "optimizers" / (one.name + ".safetensors"));
    ProblemRun run(one, *kernels);
    run.steps(1, kProblemSteps);
    for (const Parameter& parameter : run.parameters) {
      CAPTURE(parameter.name);
      const double error = largest_error(parameter.master, as_tensor(reference.at(parameter.name + ".weight")));
      CAPTURE(error);
      CHECK(error <= kTolerance);
    }
    for (const NamedTensor& state : run.optimizer->state())  // 8-bit codes
      if (const TensorView* stored = reference.find(state.name)) CHECK(at::equal(state.tensor, as_tensor(*stored)));
  }
}

TEST_CASE("an optimizer resumed in the middle goes on bit for bit") {
  const auto kernels = make_cpu_kernels();
  for (const OptimizerCase& one : optimizer_cases())
    for (const at::ScalarType weights : {at::kFloat, at::kBFloat16}) {
      CAPTURE(one.name);
      const std::vector<Parameter> whole = result_of(one, *kernels, weights);
      ProblemRun first(one, *kernels, weights), second(one, *kernels, weights);
      first.steps(1, 23);
      const std::vector<NamedTensor> from = first.optimizer->state(), to = second.optimizer->state();
      REQUIRE(from.size() == to.size());
      for (size_t i = 0; i < from.size(); ++i) {
        CHECK(from[i].name == to[i].name);
        CHECK_NOTHROW(dtype_of_tensor(from[i].tensor));  // checkpoints can hold it
        to[i].tensor.copy_(from[i].tensor);
      }
      for (size_t i = 0; i < first.parameters.size(); ++i)
        second.parameters[i].master.copy_(first.parameters[i].master);
      second.steps(24, kProblemSteps);
      for (size_t i = 0; i < whole.size(); ++i) CHECK(at::equal(second.parameters[i].master, whole[i].master));
    }
}

TEST_CASE("the memory that core declares is the memory an optimizer holds") {
  const auto kernels = make_cpu_kernels();
  for (const OptimizerCase& one : optimizer_cases()) {
    CAPTURE(one.name);
    const auto check = [&](const std::vector<Parameter>& parameters) {
      std::vector<TrainableTensor> tensors;
      for (const Parameter& parameter : parameters) tensors.push_back(trainable_tensor(parameter));
      CHECK(make_optimizer(one.spec, parameters, *kernels)->memory_bytes() == optimizer_bytes(one.spec, tensors));
    };
    check({});
    check(ProblemRun(one, *kernels).parameters);
    const auto wide = [](const char* name, int64_t rows, int64_t cols, ParameterKind kind) {
      return Parameter{name, at::zeros({rows, cols}), at::zeros({rows, cols}), Decay::yes, kind};
    };
    check({wide("w", 3, 700, ParameterKind::matrix), wide("up", 700, 300, ParameterKind::matrix),
           wide("words", 5000, 100, ParameterKind::table)});
  }
}

TEST_CASE("weight decay spares what is exempt, and a parameter's own rate scales its step") {
  const auto kernels = make_cpu_kernels();
  for (OptimizerCase one : optimizer_cases()) {
    CAPTURE(one.name);
    one.spec.hyper.set("weight_decay", 0.5);
    for (const Decay decay : {Decay::yes, Decay::no}) {
      ProblemRun run(one, *kernels);
      for (Parameter& parameter : run.parameters) parameter.decay = decay;
      const at::Tensor before = run.parameters[0].master.clone();
      run.optimizer->step(run.parameters, {1, 0.01});  // without a gradient
      CHECK(at::equal(run.parameters[0].master, before) == (decay == Decay::no));
    }
    ProblemRun scaled(one, *kernels), plain(one, *kernels);
    scaled.parameters[0].lr_scale = 4;
    scaled.problems[0].gradient(scaled.parameters[0], 1);
    plain.problems[0].gradient(plain.parameters[0], 1);
    scaled.optimizer->update(0, scaled.parameters[0], {1, 0.01});
    plain.optimizer->update(0, plain.parameters[0], {1, 0.04});
    CHECK(at::equal(scaled.parameters[0].master, plain.parameters[0].master));
  }
}

TEST_CASE("with bf16 weights every optimizer ends where it does with fp32 ones, and each time the same") {
  const auto kernels = make_cpu_kernels();
  for (const OptimizerCase& one : optimizer_cases()) {
    CAPTURE(one.name);
    const std::vector<Parameter> wide = result_of(one, *kernels), narrow = result_of(one, *kernels, at::kBFloat16),
                                 again = result_of(one, *kernels, at::kBFloat16);
    for (size_t i = 0; i < wide.size(); ++i) {
      CAPTURE(wide[i].name);
      const at::Tensor moved = wide[i].master - ProblemTensor(wide[i].name).parameter().master;
      const at::Tensor error = narrow[i].master.to(at::kFloat) - wide[i].master;
      CHECK((narrow[i].master.scalar_type() == at::kBFloat16));
      // What rounding adds: half a unit in the last place (2^-9 near 1/2) a step, in random directions.
      const double noise = std::sqrt(static_cast<double>(kProblemSteps * error.numel())) * 0x1.0p-10;
      CHECK(error.norm().item<double>() <= 0.2 * moved.norm().item<double>() + noise);
      CHECK(at::equal(narrow[i].master, again[i].master));
    }
  }
}

TEST_CASE("rows worked on in groups give the update of the whole matrix") {
  // 700 x 600 is two groups of rows; its first and last rows alone are one.
  const auto kernels = make_cpu_kernels();
  const OptimizerSpec adalomo{
      "adalomo",
      0.1,
      {{"decay_rate", 0.8}, {"eps1", 1e-30}, {"eps2", 1e-3}, {"clip_threshold", 0.5}, {"weight_decay", 0.0}}};
  REQUIRE(chunk_rows(700, 600) < 700);
  Parameter whole{"w", at::full({700, 600}, 2.0f), at::full({700, 600}, 3.0f), Decay::yes, ParameterKind::matrix};
  whole.grad.narrow(0, 350, 350).fill_(-1.5f);
  make_optimizer(adalomo, {&whole, 1}, *kernels)->update(0, whole, {1, adalomo.learning_rate});
  // By hand: R and C make every |u| 1, so rms(u) is 1 and is halved; rms(w) is 2.
  CHECK(largest_error(whole.master.narrow(0, 0, 350), at::full({350, 600}, 1.9f)) < 1e-5);
  CHECK(largest_error(whole.master.narrow(0, 350, 350), at::full({350, 600}, 2.1f)) < 1e-5);
}

TEST_CASE("APOLLO trains on after a first step without a gradient, as the A of a LoRA has") {
  const auto kernels = make_cpu_kernels();
  for (const OptimizerCase& one : optimizer_cases()) {
    if (one.spec.type != "apollo") continue;
    ProblemRun run(one, *kernels);
    Parameter& matrix = run.parameters[0];
    run.optimizer->update(0, matrix, {1, 0.01});
    const at::Tensor before = matrix.master.clone();
    run.problems[0].gradient(matrix, 2);
    run.optimizer->update(0, matrix, {2, 0.01});
    // The authors' limiter would leave about 1e-8 of this step.
    CHECK((matrix.master - before).norm().item<double>() > 1e-3);
  }
}

TEST_CASE("bf16 weights are rounded up or down with the right probability, on every instruction set the same") {
  std::vector<at::Tensor> results;
  const at::Tensor start = at::full({1 << 18}, 1.0f).to(at::kBFloat16), grad = at::full({1 << 18}, 0x1.0p-7f * 0.3f);
  for (const CpuVariant variant : {CpuVariant::baseline, CpuVariant::best}) {
    const auto kernels = make_cpu_kernels(variant);
    ElementUpdate update;
    update.weight = start.clone();
    update.grad = grad;
    update.rule = PlainRule{0, -1, INFINITY};
    update.rounding_key = 0x123456789abcdefull;
    kernels->update(update);
    const at::Tensor wide = update.weight.to(at::kDouble);
    // One unit in the last place at 1 is 2^-7: three tenths of the weights take it.
    CHECK((wide.mean().item<double>() - 1) * 128 == doctest::Approx(0.3).epsilon(0.01));
    CHECK(wide.min().item<double>() == 1);
    CHECK(wide.max().item<double>() == 1 + 0x1.0p-7);
    results.push_back(update.weight);
    update.weight = start.clone();
    update.rounding_key += 1;
    kernels->update(update);
    CHECK_FALSE(at::equal(update.weight, results.back()));
    // A part is rounded as it is in the whole.
    update.weight = start.clone().narrow(0, 1000, 500);
    update.grad = grad.narrow(0, 1000, 500);
    update.rounding_key -= 1;
    update.first_element = 1000;
    kernels->update(update);
    CHECK(at::equal(update.weight, results.back().narrow(0, 1000, 500)));
  }
  CHECK(at::equal(results[0], results[1]));
}

TEST_CASE("rounding keeps infinities and what is not a number") {
  const auto kernels = make_cpu_kernels();
  ElementUpdate update;
  update.weight = at::full({4}, 1.0f).to(at::kBFloat16);
  update.grad = at::tensor({INFINITY, -INFINITY, NAN, 0.f});
  update.rule = PlainRule{0, 1, INFINITY};
  kernels->update(update);
  CHECK(at::allclose(update.weight.to(at::kFloat), at::tensor({-INFINITY, INFINITY, NAN, 1.f}), 0, 0, true));
}

}  // namespace collie::test
