// collie-rank train: the training itself. Standard input and SIGTERM are the control channel.
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "engine/train/control.h"
#include "engine/train/journal.h"
#include "engine/train/run_training.h"
#include "rank/arguments.h"
#include "rank/commands.h"
#include "rank/line_reader.h"
#include "rank/process.h"
#include "rank/signal_watcher.h"

namespace collie {

namespace {

void obey(const std::string& line, Control& control) {
  const auto message = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
  const bool has_command = message.is_object() && message.contains("command") && message["command"].is_string();
  const std::string command = has_command ? message["command"].get<std::string>() : "";
  if (command == "stop")
    control.request_stop();
  else if (command == "save")
    control.request_save();
  else if (command == "sample")
    control.request_sample();
  else
    std::fprintf(stderr, "collie-rank: ignored a line on standard input that is no command: %s\n", line.c_str());
}

}  // namespace

int train_command(const Words& words) {
  const Arguments arguments(words, {"run", "resume"});
  const std::filesystem::path run_folder = arguments.required("run");
  Control control;
  const SignalWatcher signals([&] { control.request_stop(); });
  const LineReader input(STDIN_FILENO, [&](const std::string& line) { obey(line, control); },
                         [&] { control.request_stop(); });
  if (!std::filesystem::is_directory(run_folder))
    throw Error("run.not_found", "There is no run folder " + run_folder.string() + ".", "Check the path.",
                {{"path", run_folder.string()}});
  EventWriter events(run_folder, /*rank=*/0);
  Journal journal(events);
  try {
    const RunSpec spec = RunSpec::load(run_folder);
    set_threads(spec.threads);
    run_training(run_folder, spec, arguments.find("resume"), control, journal);
    return 0;
  } catch (const std::exception& thrown) {
    const Error error = as_error(thrown);
    try {
      journal.error(error);
    } catch (const Error&) {
      // A full disk: the line on standard error says it all the same.
    }
    throw error;
  }
}

}  // namespace collie
