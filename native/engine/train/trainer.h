// The training of one run, from the first step or from a checkpoint to the end or to a stop.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "engine/checkpoint/checkpoint.h"
#include "engine/train/best_checkpoints.h"
#include "engine/train/evaluation_record.h"
#include "engine/train/live_answers.h"
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
  // `best`: of rank 0, where the spec tells best checkpoints; else null.
  // `session` is allocated and, when the run goes on from a checkpoint, filled from it; `start` is where it stands. All
  // references must outlive the trainer.
  Trainer(Session& session, const CheckpointStore& checkpoints, const EvaluationRecords& records, LiveAnswers& answers,
          const SharedControl& control, Journal& journal, const Position& start, BestCheckpoints* best);

  // Trains to the end of the plan, or until a stop is asked for. Throws train.non_finite, disk.full.
  FinishReason run();

 private:
  enum class Interruptible { yes, no };

  void train_one_step();
  // What was asked for and, after a step, what the spec has due. True when something was done.
  enum class Turn { step, pause };
  bool serve(const Requests& asked, Turn turn);
  void change(Change change);
  // Why it cannot be; empty: it can.
  std::string refusal_of(const Change& change);
  // Plans batches up to there. One that is larger than all before needs memory that this process has not claimed: the next one will.
  void extend(int64_t total_steps);
  void tell_changes();
  // `due`: those of the spec's sets whose turn it is, or all.
  enum class Sets { due, all };
  void evaluate(Sets sets, Interruptible interruptible);
  bool evaluation_due() const;
  void evaluate_held_out(const std::function<Next()>& poll);
  void evaluate_set(const NamedSet& set, const std::function<Next()>& poll);
  // Keeps the checkpoint of an evaluation that is among the best, and ends a run that improves no more.
  void judge();
  void note(const std::string& set, const Metrics& metrics);
  void restore_best();
  void sample();
  void save();
  void answer_questions();
  // Between two steps, as long as that is wished; what else is asked for is done meanwhile.
  void pause();
  bool due(int64_t every_steps) const;
  int64_t total_steps() const { return session_.changes.total_steps(now_.step); }
  void tell_progress();
  double seconds() const;

  Session& session_;
  const CheckpointStore& checkpoints_;
  const EvaluationRecords& records_;
  LiveAnswers& answers_;
  SharedControl control_;
  Journal& journal_;
  BestCheckpoints* best_;
  std::optional<double> judged_;  // the metric by which checkpoints are best, of this evaluation; on rank 0
  bool improves_no_more_ = false;
  bool restart_ = false;
  Position now_;
  Position start_;
  int64_t stop_at_;  // by request; beyond the end: none
  int64_t saved_step_ = 0;
  std::chrono::steady_clock::time_point begin_;
};

}  // namespace collie
