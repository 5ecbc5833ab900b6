// What a PEFT method does over all adapters of a model at once, after every update. Methods that have such a part register it
// like their adapters (linear_adapter.h); a decoder makes it and calls it, whatever it is.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/registry.h"
#include "engine/peft/linear_adapter.h"

namespace collie {

// Where the training stands after an update.
struct StepProgress {
  int64_t step = 1;         // updates done: 1 after the first
  int64_t total_steps = 1;  // of the whole run
  double grad_factor = 1;   // what the update multiplied gradients with: clipping
};

// Ranks after they were allocated anew.
struct RankReport {
  int64_t total = 0;   // ranks left in all adapters
  int64_t target = 0;  // ranks to be left in the end
  std::map<std::string, int64_t> modules;
};

class ModelMethod {
 public:
  virtual ~ModelMethod() = default;
  // Masters have been updated, gradients are still those of the step. May change masters. A report when ranks were allocated.
  virtual std::optional<RankReport> after_update(const StepProgress& now) = 0;
};

// `adapters` outlive what is made.
using ModelMethodMaker = std::unique_ptr<ModelMethod> (*)(const MethodSpec& method,
                                                          const std::vector<LinearAdapter*>& adapters);

using ModelMethodRegistration = Registration<ModelMethodMaker>;

// Null for methods without such a part.
std::unique_ptr<ModelMethod> make_model_method(const MethodSpec& method, const std::vector<LinearAdapter*>& adapters);

}  // namespace collie
