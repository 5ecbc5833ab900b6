// What an evaluation found row by row, in evaluations/step-NNNNNNNN.jsonl of the run folder: a head {v, step, rows, loss,
// target_tokens}, then a line a row {row, loss, targets, correct}; `loss` of a row is the sum over its targets, in nats. Runs are
// compared by these: the host joins rows of two runs by data/eval-rows.jsonl.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "engine/train/evaluation.h"

namespace collie {

class EvaluationRecords {
 public:
  explicit EvaluationRecords(const std::filesystem::path& run_folder) : folder_(run_folder / "evaluations") {}

  // Writes one, then deletes all but the first, the best (lowest loss; of equal ones the earliest) and the last: a run has at most
  // three, however often it evaluates. Throws disk.full.
  void write(int64_t step, const EvaluationResult& result) const;
  // What was computed of a named set, in evaluations/<name>/step-NNNNNNNN.raw.jsonl: a head {v, step, lines}, then the lines.
  void write_raw(const std::string& set, int64_t step, const std::vector<std::string>& lines) const;
  // Before a run goes on from a checkpoint: what was found beyond it does not belong to the run any more.
  void forget_beyond(int64_t step) const;

 private:
  std::filesystem::path folder_;
};

}  // namespace collie
