#include "engine/optim/optimizer.h"

#include <algorithm>
#include <map>
#include <stdexcept>

#include "core/base/error.h"
#include "core/recipe/rules.h"

namespace collie {

namespace {

std::map<std::string, OptimizerMaker>& makers() {
  static std::map<std::string, OptimizerMaker> known;
  return known;
}

}  // namespace

void Optimizer::step(std::span<Parameter> parameters, const OptimizerStep& now) {
  for (size_t i = 0; i < parameters.size(); ++i) update(i, parameters[i], now);
}

void Optimizer::observe_curvature(size_t, const Parameter&, double) {
  throw std::logic_error("this optimizer does not look at curvature");
}

RegisterOptimizer::RegisterOptimizer(const char* type, OptimizerMaker make) {
  if (!makers().emplace(type, make).second) throw std::logic_error("two optimizers are called " + std::string(type));
}

std::vector<std::string> registered_optimizers() {
  std::vector<std::string> types;
  for (const auto& [type, make] : makers()) types.push_back(type);
  return types;
}

TrainableTensor trainable_tensor(const Parameter& parameter) {
  return {parameter.master.sizes().vec(), parameter.kind};
}

std::unique_ptr<Optimizer> make_optimizer(const OptimizerSpec& spec, std::span<const Parameter> parameters,
                                          Kernels& kernels) {
  const OptimizerRule& rule = optimizer_rule(spec.type);
  const bool shared = std::ranges::any_of(parameters, [](const Parameter& p) { return p.tp != nullptr; });
  if (shared && !rule_refusals({{"optimizer", {{"type", spec.type}}}, {"parallel", {{"tp_size", 2}}}}).empty())
    throw std::logic_error("optimizer " + spec.type + " on parts of matrices: validation has let it through");
  const auto maker = makers().find(rule.type);
  if (maker == makers().end()) throw std::logic_error("optimizer " + spec.type + " has fields but no update rule");
  return maker->second(spec, parameters, kernels);
}

}  // namespace collie
