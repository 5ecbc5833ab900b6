// Cross entropy of the next token: mean over the targets, weighted by their weights where the data has some.
#include <algorithm>
#include <cmath>
#include <limits>

#include "engine/objective/objective.h"

namespace collie {
namespace {

class CrossEntropyObjective : public Objective {
 public:
  // Likelihood of the targets, whatever they weigh in training: so that runs with other weights compare.
  Metrics evaluated(const LossSums& all) const override {
    const auto targets = static_cast<double>(all.targets);
    const double loss = all.loss / targets;
    return {{"loss", loss},
            {"perplexity", std::min(std::exp(loss), std::numeric_limits<double>::max())},
            {"token_accuracy", static_cast<double>(all.correct) / targets},
            {"target_tokens", targets}};
  }
};

const ObjectiveRegistration kCrossEntropy("cross_entropy", []() -> std::unique_ptr<Objective> {
  return std::make_unique<CrossEntropyObjective>();
});

}  // namespace
}  // namespace collie
