// collie-rank evaluate: the sets of a run folder, on a checkpoint of another run or on the base model. Standard input and SIGTERM are the
// control channel, as in training.
#include <unistd.h>

#include <filesystem>

#include "engine/train/control.h"
#include "engine/train/device.h"
#include "engine/train/journal.h"
#include "engine/train/run_evaluation.h"
#include "rank/arguments.h"
#include "rank/commands.h"
#include "rank/control_lines.h"
#include "rank/line_reader.h"
#include "rank/process.h"
#include "rank/signal_watcher.h"

namespace collie {

namespace {

std::optional<EvaluatedCheckpoint> tuned(const Arguments& arguments) {
  const auto run = arguments.find("of"), checkpoint = arguments.find("checkpoint");
  if (run.has_value() != checkpoint.has_value()) throw UsageError("--of and --checkpoint go together");
  if (!run) return std::nullopt;
  return EvaluatedCheckpoint{*run, *checkpoint};
}

}  // namespace

int evaluate_command(const Words& words) {
  const Arguments arguments(words, {"run", "of", "checkpoint", "threads"});
  const std::filesystem::path run_folder = arguments.required("run");
  const std::optional<EvaluatedCheckpoint> source = tuned(arguments);
  Control control;
  const SignalWatcher signals([&] { control.request_stop(); });
  const LineReader input(STDIN_FILENO, [&](const std::string& line) { obey(line, control); }, [&] { control.end(); });
  if (!std::filesystem::is_directory(run_folder))
    throw Error("run.not_found", "There is no run folder " + run_folder.string() + ".", "Check the path.",
                {{"path", run_folder.string()}});
  EventWriter events(run_folder, 0);
  Journal journal(events);
  try {
    const RunSpec spec = RunSpec::load(run_folder);
    set_threads(arguments.integer("threads", spec.threads, 0, 1024));
    run_evaluation(run_folder, spec, source, control, journal, choose_device(spec.device));
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
