#include "../fixtures.h"
#include "optim_problem.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>

#include <filesystem>
#include <map>

#include "core/base/json_reader.h"
#include "core/base/random.h"

namespace collie::test {
namespace {

struct Shape {
  uint64_t index;
  std::vector<int64_t> sizes;
  ParameterKind kind;
};

const Shape& shape_of(const std::string& name) {
  static const std::map<std::string, Shape> shapes = {
      {"matrix", {0, {24, 16}, ParameterKind::matrix}}, {"odd", {1, {7, 29}, ParameterKind::matrix}},
      {"vector", {2, {33}, ParameterKind::vector}},     {"table", {3, {40, 12}, ParameterKind::table}},
      {"large", {4, {64, 65}, ParameterKind::matrix}},
  };
  return shapes.at(name);
}

// Uniform in [-1, 1), exact in fp32.
at::Tensor uniform(uint64_t key, const std::vector<int64_t>& sizes) {
  const at::Tensor out = at::empty(sizes);
  float* values = out.data_ptr<float>();
  uint64_t state = key;
  for (int64_t i = 0; i < out.numel(); ++i)
    values[i] = static_cast<float>(static_cast<double>(splitmix64(state) >> 40) * 0x1.0p-23 - 1);
  return out;
}

at::Tensor affine(double offset, double scale, const at::Tensor& x) {
  return (x.to(at::kDouble) * scale + offset).to(at::kFloat);
}

Hyper hyper_of(const OptimizerRule& rule, const nlohmann::json& values) {
  Hyper hyper;
  for (const HyperField& field : rule.fields) {
    const nlohmann::json& value = values.at(field.name);
    switch (field.kind) {
      case FieldKind::number:
        hyper.set(field.name, value.get<double>());
        break;
      case FieldKind::integer:
        hyper.set(field.name, value.get<int64_t>());
        break;
      case FieldKind::boolean:
        hyper.set(field.name, value.get<bool>());
        break;
      case FieldKind::choice:
        hyper.set(field.name, value.get<std::string>());
        break;
    }
  }
  return hyper;
}

}  // namespace

ProblemTensor::ProblemTensor(const std::string& name, bool pulled)
    : name_(name),
      pulled_(pulled),
      shape_(shape_of(name).sizes),
      kind_(shape_of(name).kind),
      key_((shape_of(name).index + 1) * 1'000'000) {
  start_ = affine(0, 0.5, uniform(key_, shape_));
  target_ = affine(0, 0.5, uniform(key_ + 1, shape_));
  pull_ = affine(0.55, 0.45, uniform(key_ + 2, shape_));
}

Parameter ProblemTensor::parameter(at::ScalarType weights) const {
  const Decay decay = kind_ == ParameterKind::vector ? Decay::no : Decay::yes;
  return {name_, start_.to(weights).clone(), at::zeros(shape_), decay, kind_};
}

void ProblemTensor::gradient(const Parameter& parameter, int64_t step) const {
  parameter.grad.copy_(uniform(key_ + 1000 + static_cast<uint64_t>(step), shape_)).mul_(0.3f);
  if (pulled_) parameter.grad.add_(pull_ * (parameter.master.to(at::kFloat) - target_));
  silence(parameter, step);
}

void ProblemTensor::sampled_gradient(const Parameter& parameter, int64_t step) const {
  parameter.grad.copy_(uniform(key_ + 5000 + static_cast<uint64_t>(step), shape_));
  silence(parameter, step);
}

void ProblemTensor::silence(const Parameter& parameter, int64_t step) const {
  if (kind_ != ParameterKind::table) return;
  for (int64_t row = 0; row < parameter.grad.size(0); ++row)
    if ((row + step) % 3 == 0) parameter.grad[row].zero_();
}

std::vector<OptimizerCase> optimizer_cases() {
  std::vector<OptimizerCase> cases;
  for (const nlohmann::json& one : read_json_file(fixtures() / "optimizers" / "cases.json")) {
    const std::string type = one.at("type");
    cases.push_back({one.at("name"),
                     {type, one.at("learning_rate"), hyper_of(optimizer_rule(type), one.at("hyper")), 42},
                     one.at("parameters").get<std::vector<std::string>>(),
                     one.at("pulled")});
  }
  return cases;
}

ProblemRun::ProblemRun(const OptimizerCase& one, Kernels& kernels, at::ScalarType weights) : case_(one) {
  for (const std::string& name : one.parameters) {
    problems.emplace_back(name, one.pulled);
    parameters.push_back(problems.back().parameter(weights));
  }
  optimizer = make_optimizer(one.spec, parameters, kernels);
}

void ProblemRun::steps(int64_t first, int64_t last) {
  for (int64_t step = first; step <= last; ++step) {
    for (size_t i = 0; i < problems.size(); ++i) problems[i].gradient(parameters[i], step);
    const double rate = case_.spec.learning_rate * (1 - static_cast<double>(step) / 100);
    optimizer->step(parameters, {step, rate, step % 3 == 0 ? 0.5 : 1.0});
    if (optimizer->curvature_interval() == 0 || (step - 1) % optimizer->curvature_interval() != 0) continue;
    for (size_t i = 0; i < problems.size(); ++i) {
      problems[i].sampled_gradient(parameters[i], step);
      optimizer->observe_curvature(i, parameters[i], kCurvatureTokens);
    }
  }
}

double largest_error(const at::Tensor& a, const at::Tensor& b) {
  const at::Tensor x = a.to(at::kDouble), y = b.to(at::kDouble);
  return ((x - y).abs().max() / y.abs().max()).item<double>();
}

}  // namespace collie::test
