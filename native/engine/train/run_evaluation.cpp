#include "engine/train/run_evaluation.h"

#include <ATen/Parallel.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>

#include "core/base/error.h"
#include "core/base/json_reader.h"
#include "engine/checkpoint/checkpoint.h"
#include "engine/train/score_set.h"
#include "engine/train/session.h"

namespace collie {

namespace fs = std::filesystem;

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

// Tokens that are computed at once, as in training.
int64_t capacity_of(const RunSpec& spec, int64_t extra) {
  return spec.batch.micro_batch_size * (spec.batch.seq_len + extra);
}

// The sets, and the held-out rows where the run folder has any.
void open_sets(Session& session, const fs::path& run_folder, int64_t extra) {
  const RunSpec& spec = session.spec;
  const int64_t capacity = capacity_of(spec, extra);
  for (const EvaluationSetSpec& set : spec.evaluation.sets)
    if (auto opened = NamedSet::open(run_folder, set, {spec.batch.seq_len, session.config.vocab_size, capacity, extra}))
      session.sets.push_back(std::move(opened));
  const fs::path data = run_folder / "data";
  if (fs::exists(data / "eval.offsets.u64")) {
    session.eval_rows = std::make_unique<TokenStore>(TokenStore::open(data, "eval"));
    check_documents(*session.eval_rows, "eval", spec.batch.seq_len, session.config.vocab_size);
    session.evaluation =
        std::make_unique<EvaluationSet>(*session.eval_rows, spec.evaluation.max_rows, capacity, extra, spec.objective);
  }
  if (session.sets.empty() && !session.evaluation)
    throw Error("dataset.empty", "No evaluation set has a row that can be evaluated.",
                "The log says why rows were left out.");
}

DecoderOptions options_of(const Session& session, const std::optional<EvaluatedCheckpoint>& tuned, int64_t extra) {
  DecoderOptions options;
  options.precision = session.spec.precision;
  options.device = session.device;
  options.quantization = session.spec.quantization;
  if (tuned) options.method = session.spec.method;
  options.capacity_tokens = std::min<int64_t>(capacity_of(session.spec, extra), session.spec.batch.seq_len + extra);
  options.max_document = options.capacity_tokens;
  const auto fit = [&](int64_t batch, int64_t document) {
    options.capacity_tokens = std::max(options.capacity_tokens, batch);
    options.max_document = std::max(options.max_document, document);
  };
  for (const auto& set : session.sets) fit(set->largest_batch(), set->longest_document());
  if (session.evaluation) fit(session.evaluation->largest_batch(), session.evaluation->longest_document());
  return options;
}

MemoryPlan forecast(const Session& session, const DecoderOptions& options) {
  PlanInput input = plan_input(session.spec, at::get_num_threads());
  input.purpose = Purpose::serve;
  input.method = options.method;
  input.masters = Masters::fp32;
  input.gradients = GradientLife::whole_step;
  input.checkpointing = ActivationCheckpointing::off;
  input.capacity_tokens = options.capacity_tokens;
  input.max_document = options.max_document;
  input.optimizer = std::nullopt;
  input.zero_stage = 0;
  input.dp_size = 1;
  return plan_memory(session.config, input);
}

void load(Session& session, const std::optional<EvaluatedCheckpoint>& tuned, const DecoderOptions& options,
          Journal& journal) {
  journal.phase(Phase::allocating);
  const std::string what = "The model and a batch of " + std::to_string(options.capacity_tokens) + " tokens";
  require_memory(session, forecast(session, options), what);
  with_memory_errors(session.device, what, [&] {
    session.kernels = make_kernels(session.device);
    session.decoder = std::make_unique<Decoder>(session.config, options);
    session.pipeline = std::make_unique<Pipeline>(*session.decoder, session.parallel);
    session.decoder->load(
        session.spec.model, [&](double done) { journal.phase(Phase::loading_model, done); },
        tuned ? AdapterStart::stored : AdapterStart::fresh);
  });
  if (!tuned) return;
  const fs::path folder = CheckpointStore(tuned->run).folder(tuned->checkpoint);
  read_tensors(ShardedTensors(folder, weights_stem(session.spec.method)), session.decoder->trained_tensors(),
               Contents::exactly, Formats::converted);
  session.decoder->bind_base();
  session.decoder->sync_weights();
}

StartedEvent started_event(const Session& session, const MemoryPlan& plan, int64_t attempt, int64_t step) {
  char host[256] = {};
  StartedEvent event{};
  event.attempt = attempt;
  event.resumed_from_step = step;
  event.total_steps = 0;  // none is trained
  event.eval_rows = session.evaluation ? session.evaluation->rows() : 0;
  event.total_params = plan.total_params;
  event.device = device_name(session.device);
  event.threads = at::get_num_threads();
  event.pid = ::getpid();
  event.host = ::gethostname(host, sizeof host - 1) == 0 ? host : "";
  return event;
}

// All sets, one after another. False: a stop was asked for.
class Evaluation {
 public:
  Evaluation(Session& session, const fs::path& run_folder, int64_t step, int64_t capacity, Control& control,
             Journal& journal)
      : session_(session),
        records_(run_folder),
        step_(step),
        capacity_(capacity),
        control_(control, *session.parallel.world),
        journal_(journal) {
    if (session.evaluation) all_ += static_cast<double>(session.evaluation->tokens());
    for (const auto& set : session.sets) all_ += static_cast<double>(set->work());
  }

  bool run() {
    if (session_.evaluation && !held_out()) return false;
    return std::ranges::all_of(session_.sets, [&](const auto& set) { return named(*set); });
  }

 private:
  // Of one set that takes `work`: where the whole evaluation stands.
  std::function<Next(double)> progress(double work) {
    return [this, work](double done) {
      journal_.phase(Phase::evaluating, std::min(1.0, (before_ + work * done) / std::max(all_, 1.0)));
      return control_.stop_requested() ? Next::cancel : Next::go_on;
    };
  }

  bool held_out() {
    const Clock::time_point begin = Clock::now();
    const auto work = static_cast<double>(session_.evaluation->tokens());
    auto result = session_.evaluation->run(*session_.pipeline, session_.parallel, progress(work));
    if (!result) return false;
    before_ += work;
    records_.write(step_, *result);
    result->metrics["eval_seconds"] = seconds_since(begin);
    journal_.evaluation(kHeldOut, result->metrics);
    return true;
  }

  bool named(const NamedSet& set) {
    const Clock::time_point begin = Clock::now();
    const auto work = static_cast<double>(set.work());
    const auto lines = set.run(*session_.decoder, *session_.pipeline, session_.parallel, capacity_, progress(work));
    if (!lines) return false;
    before_ += work;
    score_set({set.spec().name, step_, *lines, seconds_since(begin)}, records_, control_, journal_);
    return true;
  }

  Session& session_;
  EvaluationRecords records_;
  int64_t step_;
  int64_t capacity_;
  SharedControl control_;
  Journal& journal_;
  double all_ = 0, before_ = 0;
};

}  // namespace

FinishReason run_evaluation(const fs::path& run_folder, const RunSpec& spec,
                            const std::optional<EvaluatedCheckpoint>& tuned, Control& control, Journal& journal,
                            at::Device device) {
  const Clock::time_point begin = Clock::now();
  Session session;
  session.parallel = serial();
  session.spec = spec;
  session.device = device;
  session.config = ModelConfig::load(spec.model);
  CheckpointMeta meta;
  if (tuned) {
    meta = CheckpointStore(tuned->run).read_meta(tuned->checkpoint);
    check_matches(meta, spec, read_json_file(fs::path(spec.model) / "config.json"), tuned->checkpoint);
    check_method_fits(spec.method, session.config);
  }
  const int64_t extra = tuned ? virtual_tokens(spec.method) : 0;
  open_sets(session, run_folder, extra);
  const DecoderOptions options = options_of(session, tuned, extra);
  journal.set_step(meta.step);
  journal.started(started_event(session, forecast(session, options), journal.earlier_attempts() + 1, meta.step));
  load(session, tuned, options, journal);
  const bool whole = Evaluation(session, run_folder, meta.step, options.capacity_tokens, control, journal).run();
  const FinishReason reason = whole ? FinishReason::completed : FinishReason::stopped;
  journal.phase(Phase::finishing);
  journal.finished(reason, seconds_since(begin), 0);
  return reason;
}

}  // namespace collie
