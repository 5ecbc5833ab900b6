// collie-rank train: the training itself. Standard input and SIGTERM are the control channel.
#include <unistd.h>

#include <filesystem>

#include "engine/parallel/parallel.h"
#include "engine/train/control.h"
#include "engine/train/device.h"
#include "engine/train/journal.h"
#include "engine/train/run_training.h"
#include "rank/arguments.h"
#include "rank/commands.h"
#include "rank/control_lines.h"
#include "rank/line_reader.h"
#include "rank/process.h"
#include "rank/signal_watcher.h"

namespace collie {

namespace {

void check_world(const RunSpec& spec, int64_t ranks) {
  const int64_t wanted = spec.parallel.world_size();
  if (ranks == wanted) return;
  throw Error(
      "spec.invalid",
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
  const LineReader input(STDIN_FILENO, [&](const std::string& line) { obey(line, control); }, [&] { control.end(); });
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
