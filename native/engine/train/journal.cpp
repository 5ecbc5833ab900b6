#include "engine/train/journal.h"

#include <algorithm>

namespace collie {

using nlohmann::json;

namespace {

const char* phase_name(Phase phase) {
  switch (phase) {
    case Phase::loading_model:
      return "loading_model";
    case Phase::allocating:
      return "allocating";
    case Phase::training:
      return "training";
    case Phase::evaluating:
      return "evaluating";
    case Phase::saving:
      return "saving";
    case Phase::sampling:
      return "sampling";
    case Phase::answering:
      return "answering";
    case Phase::paused:
      return "paused";
    case Phase::finishing:
      return "finishing";
  }
  return "";
}

const char* reason_name(FinishReason reason) {
  switch (reason) {
    case FinishReason::completed:
      return "completed";
    case FinishReason::stopped:
      return "stopped";
    case FinishReason::restart:
      return "restart";
  }
  return "";
}

}  // namespace

void Journal::started(const StartedEvent& event) {
  json payload = {{"attempt", event.attempt},
                  {"resumed_from_step", event.resumed_from_step},
                  {"total_steps", event.total_steps},
                  {"train_rows", event.train_rows},
                  {"eval_rows", event.eval_rows},
                  {"trainable_params", event.trainable_params},
                  {"total_params", event.total_params},
                  {"device", event.device},
                  {"threads", event.threads},
                  {"pid", event.pid},
                  {"host", event.host},
                  {"stage", event.place.stage},
                  {"dp_rank", event.place.dp_rank},
                  {"tp_rank", event.place.tp_rank}};
  if (!event.activation_checkpointing.empty()) payload["activation_checkpointing"] = event.activation_checkpointing;
  writer_.write(step_, "started", payload);
}

void Journal::tell(const char* type, const json& payload) {
  if (scope_ == EventScope::whole_run) writer_.write(step_, type, payload);
}

void Journal::rank_step(const RankStep& event) {
  writer_.write(step_, "rank_step",
                {{"step_seconds", event.step_seconds},
                 {"compute_seconds", event.step_seconds - event.wait_seconds},
                 {"wait_seconds", event.wait_seconds},
                 {"memory_bytes", event.memory.bytes},
                 {"memory_peak_bytes", event.memory.peak_bytes},
                 {"sent_bytes", event.sent_bytes}});
}

void Journal::timeline(const std::vector<Span>& spans, int64_t step_us) {
  json all = json::array();
  for (const Span& span : spans)
    all.push_back({{"kind", span.pass == Pass::forward ? "forward" : "backward"},
                   {"micro_batch", span.micro_batch},
                   {"chunk", span.chunk},
                   {"begin_us", span.begin_us},
                   {"end_us", span.end_us}});
  writer_.write(step_, "timeline", {{"step_us", step_us}, {"spans", all}});
}

void Journal::write_phase(Phase phase, const json& progress) {
  last_phase_ = static_cast<int>(phase);
  last_progress_ = std::chrono::steady_clock::now();
  tell("phase", {{"name", phase_name(phase)}, {"progress", progress}});
}

void Journal::phase(Phase phase) { write_phase(phase, nullptr); }

void Journal::phase(Phase phase, double progress) {
  const auto since = std::chrono::steady_clock::now() - last_progress_;
  if (last_phase_ == static_cast<int>(phase) && since < std::chrono::milliseconds(500)) return;
  write_phase(phase, std::clamp(progress, 0.0, 1.0));
}

// A value that is not finite becomes null: JSON has no word for it.
void Journal::step(const Metrics& metrics) { tell("step", {{"metrics", metrics}}); }

void Journal::ranks(const RankReport& report) {
  tell("ranks", {{"total", report.total}, {"target", report.target}, {"modules", report.modules}});
}

void Journal::evaluation(const std::string& set, const Metrics& metrics) {
  tell("eval", {{"set", set}, {"metrics", metrics}});
}

void Journal::evaluated(const std::string& set, double seconds) {
  tell("evaluated", {{"set", set}, {"seconds", seconds}});
}

void Journal::changed(double learning_rate, int64_t total_steps) {
  tell("changed", {{"learning_rate", learning_rate}, {"total_steps", total_steps}});
}

void Journal::checkpoint(const std::string& name, int64_t bytes, double seconds) {
  tell("checkpoint", {{"name", name}, {"bytes", bytes}, {"seconds", seconds}});
}

void Journal::sample(int64_t prompt_index, const std::vector<int32_t>& ids, const std::string& finish) {
  tell("sample", {{"prompt_index", prompt_index}, {"ids", ids}, {"finish", finish}});
}

void Journal::warning(const std::string& message) { writer_.write(step_, "warning", {{"message", message}}); }

void Journal::error(const Error& error) { writer_.write(step_, "error", error.to_json()); }

void Journal::finished(FinishReason reason, double seconds, int64_t tokens) {
  tell("finished", {{"reason", reason_name(reason)}, {"seconds", seconds}, {"tokens", tokens}});
}

}  // namespace collie
