#include "engine/train/score_set.h"

namespace collie {

std::optional<Metrics> score_set(const ComputedSet& set, const EvaluationRecords& records, SharedControl& control,
                                 Journal& journal) {
  records.write_raw(set.name, set.step, set.lines);
  journal.evaluated(set.name, set.seconds);
  std::optional<Scores> scores = control.wait_scores(set.name, set.step);
  if (!scores) return std::nullopt;
  if (!scores->problem.empty()) {
    journal.warning("The evaluation set " + set.name + " has no scores at step " + std::to_string(set.step) + ": " +
                    scores->problem);
    return std::nullopt;
  }
  scores->metrics["eval_seconds"] = set.seconds;
  journal.evaluation(set.name, scores->metrics);
  return scores->metrics;
}

}  // namespace collie
