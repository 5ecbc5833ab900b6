// The random problem of tests/parity/make_optimizer_fixtures.py, made again bit for bit, and its cases.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "core/recipe/optimizer_rules.h"
#include "engine/optim/optimizer.h"

namespace collie::test {

inline constexpr int64_t kProblemSteps = 50;
inline constexpr double kCurvatureTokens = 64;

// One parameter of the problem: g = pull (w - target) + 0.3 noise, or the noise alone; a third of a table's rows has none.
class ProblemTensor {
 public:
  explicit ProblemTensor(const std::string& name, bool pulled = true);
  // A parameter at its start; `weights` is fp32 or bf16.
  Parameter parameter(at::ScalarType weights = at::kFloat) const;
  // Fills parameter.grad for this step.
  void gradient(const Parameter& parameter, int64_t step) const;
  // The same, with the gradient of sampled labels.
  void sampled_gradient(const Parameter& parameter, int64_t step) const;

 private:
  void silence(const Parameter& parameter, int64_t step) const;
  std::string name_;
  bool pulled_ = true;
  std::vector<int64_t> shape_;
  ParameterKind kind_ = ParameterKind::matrix;
  uint64_t key_ = 0;
  at::Tensor start_, target_, pull_;
};

// A row of tests/fixtures/optimizers/cases.json.
struct OptimizerCase {
  std::string name;
  OptimizerSpec spec;
  std::vector<std::string> parameters;
  bool pulled = true;
};
std::vector<OptimizerCase> optimizer_cases();

// All parameters of a case under its optimizer.
class ProblemRun {
 public:
  ProblemRun(const OptimizerCase& one, Kernels& kernels, at::ScalarType weights = at::kFloat);
  // Steps first..last, 1-based, with the learning rate and clipping of the fixtures.
  void steps(int64_t first, int64_t last);
  std::vector<ProblemTensor> problems;
  std::vector<Parameter> parameters;
  std::unique_ptr<Optimizer> optimizer;

 private:
  const OptimizerCase case_;
};

// max |a - b| / max |b|
double largest_error(const at::Tensor& a, const at::Tensor& b);

}  // namespace collie::test
