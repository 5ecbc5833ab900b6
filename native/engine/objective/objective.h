// The contract of objectives, and their registry. An objective is a file here, which registers itself, and a row in
// core/recipe/objectives.cpp and electron/shared/spec/objectives.ts. Training takes the gradient of the sum of its documents' weighted losses
// over their weight; an evaluator is an objective without a backward pass.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/base/registry.h"
#include "core/recipe/objectives.h"
#include "engine/model/decoder.h"
#include "engine/objective/metrics.h"

namespace collie {

class Objective {
 public:
  virtual ~Objective() = default;
  // How much each document's losses count in a micro-batch, once the head has scored all of them; empty: 1, and nothing is scored first.
  // An objective that is not a sum of losses gives its derivatives by them here.
  virtual DocumentFactors factors() const { return {}; }
  // What an evaluation found, over all its documents.
  virtual Metrics evaluated(const LossSums& all) const = 0;
};

// Throws spec.invalid for an unknown type.
std::unique_ptr<Objective> make_objective(const std::string& type);

using ObjectiveMaker = std::unique_ptr<Objective> (*)();

using ObjectiveRegistration = Registration<ObjectiveMaker>;

}  // namespace collie
