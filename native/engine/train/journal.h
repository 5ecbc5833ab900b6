// The trainer's view of the event log: one function a type of event, payloads exactly as in electron/shared/runs/events.ts.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "core/base/error.h"
#include "core/formats/events.h"
#include "engine/train/device.h"
#include "engine/peft/model_method.h"
#include "core/grid/parallel.h"
#include "engine/objective/metrics.h"
#include "engine/train/pipeline.h"

namespace collie {

enum class Phase { loading_model, allocating, training, evaluating, saving, sampling, answering, paused, finishing };
// restart: saved, to go on at once in a process that claims its memory anew.
enum class FinishReason { completed, stopped, restart };

struct StartedEvent {
  int64_t attempt, resumed_from_step, total_steps, train_rows, eval_rows, trainable_params, total_params;
  std::string device;
  std::string activation_checkpointing;  // the level; empty: nothing is trained
  int64_t threads;
  int64_t pid;
  std::string host;
  GridPlace place;
};

// What one rank did in a step.
struct RankStep {
  double step_seconds = 0;
  double wait_seconds = 0;  // of them, waiting for other ranks
  MemoryNow memory;
  int64_t sent_bytes = 0;  // engine/parallel/parallel.h
};

// Who tells of what concerns the whole run: one rank; the others tell of themselves.
enum class EventScope { whole_run, own_rank };

inline constexpr const char* kHeldOut = "eval";  // DEFAULT_SET of electron/shared/runs/event-line.ts

class Journal {
 public:
  explicit Journal(EventWriter& writer, EventScope scope = EventScope::whole_run) : writer_(writer), scope_(scope) {}

  // Optimizer steps finished: written with every event from now on.
  void set_step(int64_t step) { step_ = step; }
  int64_t next_seq() const { return writer_.next_seq(); }
  int64_t earlier_attempts() const { return writer_.earlier_attempts(); }

  void started(const StartedEvent& event);
  // A new phase is written at once; progress (0..1) within the same phase at most twice a second.
  void phase(Phase phase);
  void phase(Phase phase, double progress);
  void step(const Metrics& metrics);
  void rank_step(const RankStep& event);
  void timeline(const std::vector<Span>& spans, int64_t step_us);
  void ranks(const RankReport& report);
  // `set`: what the evaluated rows are called; kHeldOut are those of the run's evaluation.
  void evaluation(const std::string& set, const Metrics& metrics);
  // A named set was computed, and its raw record written: the host is to score it.
  void evaluated(const std::string& set, double seconds);
  // Settings changed on the way: those in force from the next step on.
  void changed(double learning_rate, int64_t total_steps);
  void checkpoint(const std::string& name, int64_t bytes, double seconds);
  // finish: "stop" or "length"
  void sample(int64_t prompt_index, const std::vector<int32_t>& ids, const std::string& finish);
  void warning(const std::string& message);
  void error(const Error& error);
  void finished(FinishReason reason, double seconds, int64_t tokens);

 private:
  void write_phase(Phase phase, const nlohmann::json& progress);

  void tell(const char* type, const nlohmann::json& payload);  // of the whole run

  EventWriter& writer_;
  EventScope scope_;
  int64_t step_ = 0;
  int last_phase_ = -1;
  std::chrono::steady_clock::time_point last_progress_;
};

}  // namespace collie
