#include "engine/train/run_training.h"

#include <ATen/Parallel.h>
#include <unistd.h>

#include "core/base/error.h"
#include "core/plan/memory_plan.h"
#include "engine/checkpoint/checkpoint.h"
#include "engine/export/import_adapter.h"
#include "engine/train/session.h"
#include "engine/train/trainer.h"

namespace collie {

namespace {

void refuse_to_overwrite(const CheckpointStore& checkpoints) {
  const std::vector<std::string> existing = checkpoints.complete();
  if (existing.empty()) return;
  throw Error("checkpoint.mismatch",
              "This run has checkpoints already (" + existing.back() + "), and was not asked to resume one.",
              "Start it with --resume " + existing.back() + ", or make a new run.", {{"existing", existing}});
}

// Where a checkpoint stands, once it is certain that it belongs to this run.
Position position_of(const std::string& name, const CheckpointStore& checkpoints, const Session& session) {
  const CheckpointMeta meta = checkpoints.read_meta(name);
  check_matches(meta, session.spec, session.config_json, name);
  const int64_t total = session.loader->total_steps();
  if (meta.step > total)
    throw Error("checkpoint.mismatch",
                "Checkpoint " + name + " is at step " + std::to_string(meta.step) + "; this run has " +
                    std::to_string(total) + " steps.",
                "Resume with the spec and the data that the run started with.",
                {{"checkpoint", name}, {"step", meta.step}, {"total_steps", total}});
  return {meta.step, meta.epoch, meta.tokens, meta.seconds};
}

// The adapter that a fresh start goes on from.
std::optional<std::filesystem::path> first_adapter(const MethodSpec& method) {
  if (!method.has("init_adapter") || method.fields.at("init_adapter").is_null()) return std::nullopt;
  return method.text("init_adapter");
}

std::string host_name() {
  char name[256] = {};
  return ::gethostname(name, sizeof name - 1) == 0 ? name : "";
}

StartedEvent started_event(const Session& session, int64_t attempt, int64_t step) {
  StartedEvent event;
  event.attempt = attempt;
  event.resumed_from_step = step;
  event.total_steps = session.changes.total_steps(step);
  event.train_rows = session.train_rows->size();
  event.eval_rows = session.evaluation ? session.evaluation->rows() : 0;
  const MemoryPlan plan = plan_memory(session.config, session.spec, at::get_num_threads());
  event.trainable_params = plan.trainable_params;
  event.total_params = plan.total_params;
  event.device = device_name(session.device);
  event.activation_checkpointing = level_name(*session.spec.activation_checkpointing);
  event.threads = at::get_num_threads();
  event.pid = ::getpid();
  event.host = host_name();
  event.place = session.parallel.place;
  return event;
}

}  // namespace

FinishReason run_training(const std::filesystem::path& run_folder, const RunSpec& spec,
                          const std::optional<std::string>& resume, Control& control, Journal& journal,
                          const Parallel& parallel, at::Device device) {
  // 1. Remove what a crash left, and never train over checkpoints that are there.
  const CheckpointStore checkpoints(run_folder);
  if (parallel.world->rank() == 0) {
    checkpoints.remove_incomplete();
    if (!resume) refuse_to_overwrite(checkpoints);
  }
  parallel.world->barrier();
  // 2. Open and check everything that costs no memory.
  Session session = open_session(spec, run_folder, parallel, device);
  const Position start = resume ? position_of(*resume, checkpoints, session) : Position{};
  // 3. Say what is going to happen.
  journal.set_step(start.step);
  journal.started(started_event(session, journal.earlier_attempts() + 1, start.step));
  if (const int64_t left_out = session.loader->rows_without_targets(); left_out > 0)
    journal.warning(std::to_string(left_out) + " of " + std::to_string(session.train_rows->size()) +
                    " training rows have no token that the loss counts; they are left out.");
  // 4. Claim the memory, load the weights, and what the checkpoint says of them.
  const std::optional<std::filesystem::path> first = first_adapter(spec.method);
  allocate(session, journal, resume || first ? AdapterStart::stored : AdapterStart::fresh);
  const Contents contents = parallel.world->size() == 1 ? Contents::exactly : Contents::more;
  if (resume)
    checkpoints.load(*resume, spec.method, held_tensors(session), contents);
  else if (first)
    import_adapter(*first, spec, session.config, session.decoder->trained_tensors(), contents);
  if (resume || first) {
    session.decoder->bind_base();
    session.sync->share_all();
    session.decoder->sync_weights();
  }
  // 5. Train.
  const EvaluationRecords records(run_folder);
  if (parallel.world->rank() == 0) records.forget_beyond(start.step);
  std::optional<BestCheckpoints> best;
  if (parallel.world->rank() == 0 && !spec.checkpoint.best.set.empty())
    best.emplace(spec.checkpoint.best, run_folder, start.step);
  LiveAnswers answers(session, run_folder);
  return Trainer(session, checkpoints, records, answers, SharedControl(control, *parallel.world), journal, start,
                 best ? &*best : nullptr)
      .run();
}

}  // namespace collie
