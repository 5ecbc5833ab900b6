// The trainer's view of the event log: one function a type of event, payloads exactly as in electron/shared/events.ts.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/events.h"
#include "engine/train/device.h"
#include "engine/peft/model_method.h"
#include "engine/train/evaluation.h"

namespace collie {

enum class Phase { loading_model, allocating, training, evaluating, saving, sampling, finishing };
enum class FinishReason { completed, stopped };

struct StartedEvent {
  int64_t attempt, resumed_from_step, total_steps, train_rows, eval_rows, trainable_params, total_params;
  std::string device;
  int64_t threads;
};

struct StepEvent {
  double loss, learning_rate, grad_norm, epoch;
  int64_t tokens, target_tokens;
  double step_seconds;
  MemoryNow memory;
  double curvature_seconds = 0;  // 0: no look at the curvature in this step
};

class Journal {
 public:
  explicit Journal(EventWriter& writer) : writer_(writer) {}

  // Optimizer steps finished: written with every event from now on.
  void set_step(int64_t step) { step_ = step; }
  int64_t next_seq() const { return writer_.next_seq(); }
  int64_t earlier_attempts() const { return writer_.earlier_attempts(); }

  void started(const StartedEvent& event);
  // A new phase is written at once; progress (0..1) within the same phase at most twice a second.
  void phase(Phase phase);
  void phase(Phase phase, double progress);
  void step(const StepEvent& event);
  void ranks(const RankReport& report);
  void evaluation(const EvaluationResult& result, double seconds);
  void checkpoint(const std::string& name, int64_t bytes, double seconds);
  // finish: "stop" or "length"
  void sample(int64_t prompt_index, const std::vector<int32_t>& ids, const std::string& finish);
  void warning(const std::string& message);
  void error(const Error& error);
  void finished(FinishReason reason, double seconds, int64_t tokens);

 private:
  void write_phase(Phase phase, const nlohmann::json& progress);

  EventWriter& writer_;
  int64_t step_ = 0;
  int last_phase_ = -1;
  std::chrono::steady_clock::time_point last_progress_;
};

}  // namespace collie
