// The end of evaluating a named set: what was computed goes into the record, the host scores it, and what it says becomes an event of the
// run like any other.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "engine/train/evaluation_record.h"
#include "engine/train/journal.h"
#include "engine/train/shared_control.h"

namespace collie {

// What was computed of a set.
struct ComputedSet {
  std::string name;
  int64_t step = 0;
  std::vector<std::string> lines;  // NamedSet::run
  double seconds = 0;
};

// On rank 0. The metrics as they were told, eval_seconds among them; nullopt where the host has none, which a warning says, or is gone.
std::optional<Metrics> score_set(const ComputedSet& set, const EvaluationRecords& records, SharedControl& control,
                                 Journal& journal);

}  // namespace collie
