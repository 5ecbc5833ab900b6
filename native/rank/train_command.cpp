// collie-rank train: the training itself. Standard input and SIGTERM are the control channel.
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>

#include "core/base/json_parse.h"
#include "engine/parallel/parallel.h"
#include "engine/train/control.h"
#include "engine/train/device.h"
#include "engine/train/journal.h"
#include "engine/train/run_training.h"
#include "rank/arguments.h"
#include "rank/commands.h"
#include "rank/line_reader.h"
#include "rank/process.h"
#include "rank/signal_watcher.h"

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
  const bool safe = !id.empty() && id.size() <= 64 && std::ranges::all_of(id, [](unsigned char letter) { return std::isalnum(letter) || letter == '-'; });
  if (safe && message.contains("request")) control.put_question({id, message["request"].dump()});
}

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

void check_world(const RunSpec& spec, int64_t ranks) {
  const int64_t wanted = spec.parallel.world_size();
  if (ranks == wanted) return;
  throw Error("spec.invalid",
              "The run is laid out over " + std::to_string(wanted) + " ranks, and " + std::to_string(ranks) + " were started.",
              "Start it with mpirun -n " + std::to_string(wanted) + ", or through the workbench.",
              {{"wanted", wanted}, {"started", ranks}});
}

}  // namespace

int train_command(const Words& words) {
  const Arguments arguments(words, {"run", "resume", "threads"});
  const std::filesystem::path run_folder = arguments.required("run");
  Control control;
  const SignalWatcher signals([&] { control.request_stop(); });
  const LineReader input(STDIN_FILENO, [&](const std::string& line) { obey(line, control); },
                         [&] { control.end(); });
  if (!std::filesystem::is_directory(run_folder))
    throw Error("run.not_found", "There is no run folder " + run_folder.string() + ".", "Check the path.",
                {{"path", run_folder.string()}});
  std::shared_ptr<Communicator> world = launched_world();
  EventWriter events(run_folder, world->rank());
  Journal journal(events, world->rank() == 0 ? EventScope::whole_run : EventScope::own_rank);
  const auto report = [&](const Error& error) {
    try {
      journal.error(error);
    } catch (const Error&) {
      // A full disk: the line on standard error says it all the same.
    }
  };
  try {
    const RunSpec spec = RunSpec::load(run_folder);
    check_world(spec, world->size());
    set_threads(arguments.integer("threads", spec.threads, 0, 1024));
    const at::Device device = choose_device(spec.device, host_place(*world));
    if (device.is_cuda() && world->size() > 1) world = nccl_world(world, device);
    const Parallel parallel = make_parallel(spec.parallel, world, [&](const Error& error) {
      report(error);
      print_error(error);
    });
    run_training(run_folder, spec, arguments.find("resume"), control, journal, parallel, device);
    return 0;
  } catch (const std::exception& thrown) {
    const Error error = as_error(thrown);
    report(error);
    throw error;
  }
}

}  // namespace collie
