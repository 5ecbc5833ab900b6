#include "rank/control_lines.h"

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <limits>
#include <nlohmann/json.hpp>

#include "core/base/json_parse.h"

namespace collie {

namespace {

// {"command": "scores", "set", "step", "metrics": {name: number | null}, "problem"?}
Scores scores_of(const nlohmann::json& message) {
  Scores scores{message.value("set", ""), message.value("step", int64_t{0}), {}, message.value("problem", "")};
  const nlohmann::json metrics = message.value("metrics", nlohmann::json::object());
  for (const auto& [name, value] : metrics.items())
    scores.metrics[name] = value.is_number() ? value.get<double>() : std::numeric_limits<double>::quiet_NaN();
  return scores;
}

std::string id_of(const nlohmann::json& message) {
  const auto id = message.find("id");
  return id != message.end() && id->is_string() ? id->get<std::string>() : "";
}

// {"command": "ask", "id", "request": {...}} (engine/train/live_answers.h). The id is a file's name.
void ask(const nlohmann::json& message, Control& control) {
  const std::string id = id_of(message);
  const bool safe = !id.empty() && id.size() <= 64 &&
                    std::ranges::all_of(id, [](unsigned char letter) { return std::isalnum(letter) || letter == '-'; });
  if (safe && message.contains("request")) control.put_question({id, message["request"].dump()});
}

// {"command": "change", "learning_rate"?, "total_steps"?}, from the next step on. The host has checked the ranges.
void change(const nlohmann::json& message, Control& control) {
  Change wanted;
  if (message.contains("learning_rate") && message["learning_rate"].is_number())
    wanted.learning_rate = message["learning_rate"];
  if (message.contains("total_steps") && message["total_steps"].is_number_integer())
    wanted.total_steps = message["total_steps"];
  control.request_change(wanted);
}

// {"command": "end_epoch", "step"?}: of a wish that was made at that step, before the attempt began.
void end_epoch(const nlohmann::json& message, Control& control) {
  const auto step = message.find("step");
  control.request_end_of_epoch(step != message.end() && step->is_number_unsigned() ? step->get<int64_t>() : 0);
}

}  // namespace

void obey(const std::string& line, Control& control) {
  const nlohmann::json message = parse_json(line).value;
  const bool has_command = message.is_object() && message.contains("command") && message["command"].is_string();
  const std::string command = has_command ? message["command"].get<std::string>() : "";
  if (command == "stop")
    control.request_stop();
  else if (command == "save")
    control.request_save();
  else if (command == "sample")
    control.request_sample();
  else if (command == "evaluate")
    control.request_evaluation();
  else if (command == "end_epoch")
    end_epoch(message, control);
  else if (command == "change")
    change(message, control);
  else if (command == "pause" || command == "continue")
    control.request_pause(command == "pause");
  else if (command == "ask")
    ask(message, control);
  else if (command == "cancel")
    control.cancel_question(id_of(message));
  else if (command == "scores")
    control.put_scores(scores_of(message));
  else
    std::fprintf(stderr, "collie-rank: ignored a line on standard input that is no command: %s\n", line.c_str());
}

}  // namespace collie
