#include "engine/optim/optimizer.h"

#include <map>

#include "core/error.h"
#include "engine/optim/adamw.h"

namespace collie {

namespace {

using Maker = std::unique_ptr<Optimizer> (*)(const OptimizerSpec&, std::span<const Parameter>, Kernels&);

std::unique_ptr<Optimizer> make_adamw(const OptimizerSpec& spec, std::span<const Parameter> parameters,
                                      Kernels& kernels) {
  const auto& hyper = spec.hyper;
  const AdamWOptions options{hyper.at("beta1"), hyper.at("beta2"), hyper.at("eps"), hyper.at("weight_decay")};
  return std::make_unique<AdamW>(options, parameters, kernels);
}

const std::map<std::string, Maker>& makers() {
  static const std::map<std::string, Maker> known = {{"adamw", make_adamw}};
  return known;
}

}  // namespace

std::unique_ptr<Optimizer> make_optimizer(const OptimizerSpec& spec, std::span<const Parameter> parameters,
                                          Kernels& kernels) {
  const auto maker = makers().find(spec.type);
  if (maker == makers().end())
    throw Error("spec.invalid", "optimizer.type: this build has no optimizer \"" + spec.type + "\"");
  return maker->second(spec, parameters, kernels);
}

}  // namespace collie
