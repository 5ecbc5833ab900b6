// The training of one run, from the first step or from a checkpoint to the end or to a stop.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>

#include "engine/checkpoint/checkpoint.h"
#include "engine/train/evaluation_record.h"
#include "engine/train/shared_control.h"
#include "engine/train/journal.h"
#include "engine/train/session.h"

namespace collie {

// Where a run stands.
struct Position {
  int64_t step = 0;  // optimizer steps done
  double epoch = 0;
  int64_t tokens = 0;
  double seconds = 0;
};

class Trainer {
 public:
  // `session` is allocated and, when the run goes on from a checkpoint, filled from it; `start` is where it stands. All
  // references must outlive the trainer.
  Trainer(Session& session, const CheckpointStore& checkpoints, const EvaluationRecords& records, const SharedControl& control,
          Journal& journal, const Position& start);

  // Trains to the end of the plan, or until a stop is asked for. Throws train.non_finite, disk.full.
  FinishReason run();

 private:
  enum class Interruptible { yes, no };

  void train_one_step();
  // `due`: those of the spec's sets whose turn it is, or all.
  enum class Sets { due, all };
  void evaluate(Sets sets, Interruptible interruptible);
  bool evaluation_due() const;
  void evaluate_held_out(const std::function<Next()>& poll);
  void evaluate_set(const NamedSet& set, const std::function<Next()>& poll);
  void sample();
  void save();
  bool due(int64_t every_steps) const;
  double seconds() const;

  Session& session_;
  const CheckpointStore& checkpoints_;
  const EvaluationRecords& records_;
  SharedControl control_;
  Journal& journal_;
  Position now_;
  Position start_;
  int64_t total_steps_;
  int64_t saved_step_ = 0;
  std::chrono::steady_clock::time_point begin_;
};

}  // namespace collie
