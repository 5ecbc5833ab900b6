#include "engine/train/trainer.h"

#include <algorithm>
#include <array>
#include <limits>
#include <thread>

#include "engine/optim/schedule.h"
#include "engine/train/score_set.h"
#include "engine/train/step.h"

namespace collie {

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

}  // namespace

Trainer::Trainer(Session& session, const CheckpointStore& checkpoints, const EvaluationRecords& records,
                 LiveAnswers& answers, const SharedControl& control, Journal& journal, const Position& start,
                 BestCheckpoints* best)
    : session_(session),
      checkpoints_(checkpoints),
      records_(records),
      answers_(answers),
      control_(control),
      journal_(journal),
      best_(best),
      now_(start),
      start_(start),
      stop_at_(std::numeric_limits<int64_t>::max()),
      saved_step_(start.step > 0 ? start.step : -1),
      begin_(Clock::now()) {}

FinishReason Trainer::run() {
  // 1. Evaluate the model as it came.
  if (start_.step == 0) evaluate(Sets::all, Interruptible::yes);
  // 2. Train, step by step; evaluate, sample and save where it is due. The last step is left to the end.
  tell_progress();
  bool stop = control_.stop_requested();
  while (now_.step < std::min(total_steps(), stop_at_) && !improves_no_more_ && !stop) {
    train_one_step();
    if (session_.changes.any_at(now_.step)) tell_changes();  // of an earlier attempt
    const Requests asked = control_.look();
    if (asked.change) change(*asked.change);
    if (now_.step == total_steps() || asked.stop || restart_) break;
    const bool served = serve(asked, Turn::step);
    if (asked.paused) pause();
    if (!served && !asked.paused) continue;
    stop = control_.stop_requested() || restart_;
    tell_progress();
  }
  // 3. Evaluate the result, and save it.
  const bool whole = now_.step == total_steps();
  const FinishReason reason = whole || improves_no_more_ ? FinishReason::completed
                              : restart_                 ? FinishReason::restart
                                                         : FinishReason::stopped;
  if (whole && now_.step > start_.step) evaluate(Sets::all, Interruptible::no);
  save();
  if (reason == FinishReason::completed) restore_best();
  journal_.phase(Phase::finishing);
  journal_.finished(reason, seconds(), now_.tokens);
  return reason;
}

void Trainer::tell_progress() {
  journal_.phase(Phase::training, static_cast<double>(now_.step) / static_cast<double>(total_steps()));
}

bool Trainer::serve(const Requests& asked, Turn turn) {
  const auto scheduled = [&](int64_t every_steps) { return turn == Turn::step && due(every_steps); };
  const bool evaluates = asked.evaluate || (turn == Turn::step && evaluation_due());
  const bool saves = asked.save || scheduled(session_.spec.checkpoint.every_steps);
  if (asked.end_epoch) stop_at_ = session_.loader->epoch_end(std::max(now_.step, *asked.end_epoch) - 1);
  if (evaluates) evaluate(asked.evaluate ? Sets::all : Sets::due, Interruptible::yes);
  // An evaluation of the held-out rows answers them as well.
  if (asked.sample && !asked.evaluate && !scheduled(session_.spec.evaluation.every_steps)) sample();
  if (saves) save();
  if (asked.question) answer_questions();
  return evaluates || saves || asked.sample || asked.question;
}

std::string Trainer::refusal_of(const Change& change) {
  if (!change.total_steps) return "";
  const int64_t total = *change.total_steps;
  const std::string of_steps = "a run of " + std::to_string(total) + " steps: ";
  if (total <= now_.step) return of_steps + std::to_string(now_.step) + " are done. Stop it instead.";
  if (session_.decoder->plans_all_steps())
    return of_steps + session_.spec.method.type +
           " allocates its ranks over all steps, whose number was fixed at the start.";
  return "";
}

void Trainer::extend(int64_t total_steps) {
  if (total_steps <= session_.loader->total_steps()) return;
  auto longer = session_.loader->extended(total_steps);
  restart_ = longer->largest_micro_batch() > session_.loader->largest_micro_batch();
  if (!restart_) session_.loader = std::move(longer);
}

// The same on every rank: all of them know what was asked.
void Trainer::change(Change change) {
  change.step = now_.step;
  if (const std::string refusal = refusal_of(change); !refusal.empty())
    return journal_.warning("Not changed to " + refusal);
  Changes changes = session_.changes;
  changes.add(change);
  double written = 1;
  if (session_.parallel.world->rank() == 0) try {
      changes.write();
    } catch (const Error& error) {
      written = 0;
      journal_.warning(std::string("The settings stay as they are: ") + error.what());
    }
  session_.parallel.world->broadcast(std::span(&written, 1), 0);
  if (written == 0) return;
  session_.changes = std::move(changes);
  tell_changes();
  extend(total_steps());
}

void Trainer::tell_changes() { journal_.changed(session_.changes.learning_rate(now_.step), total_steps()); }

void Trainer::train_one_step() {
  const Clock::time_point begin = Clock::now();
  const RunSpec& spec = session_.spec;
  const StepPlan plan = session_.loader->at(now_.step);
  const int64_t total = total_steps();
  const double rate = learning_rate(spec.schedule, session_.changes.learning_rate(now_.step), now_.step, total);
  const StepParts parts{*session_.decoder,   *session_.optimizer, *session_.kernels,  *session_.train_rows,
                        *session_.objective, session_.parallel,   *session_.pipeline, *session_.sync};
  const int64_t sent_before = sent_bytes(session_.parallel);
  const StepSettings settings{now_.step, rate, spec.max_grad_norm, total};
  const StepResult result = updates_inside_backward(spec.optimizer) ? fused_train_step(parts, plan, settings)
                                                                    : train_step(parts, plan, settings);
  ++now_.step;
  now_.epoch = plan.epoch_done;
  now_.tokens += plan.tokens;
  journal_.set_step(now_.step);
  const double seconds = seconds_since(begin);
  const MemoryNow memory = memory_now(session_.device);
  Metrics metrics = {{"loss", result.loss},
                     {"learning_rate", rate},
                     {"grad_norm", result.grad_norm},
                     {"epoch", now_.epoch},
                     {"tokens", static_cast<double>(plan.tokens)},
                     {"target_tokens", static_cast<double>(plan.targets)},
                     {"step_seconds", seconds},
                     {"tokens_per_second", static_cast<double>(plan.tokens) / std::max(seconds, 1e-9)},
                     {"memory_bytes", static_cast<double>(memory.bytes)},
                     {"memory_peak_bytes", static_cast<double>(memory.peak_bytes)}};
  metrics.insert(result.metrics.begin(), result.metrics.end());
  journal_.step(metrics);
  if (session_.parallel.world->size() > 1) {
    const int64_t sent = sent_bytes(session_.parallel) - sent_before;
    journal_.rank_step({seconds, session_.pipeline->waited_seconds(), memory, sent});
  }
  if (spec.parallel.timeline) journal_.timeline(session_.pipeline->spans(), static_cast<int64_t>(seconds * 1e6));
  if (result.ranks) journal_.ranks(*result.ranks);
}

bool Trainer::evaluation_due() const {
  return due(session_.spec.evaluation.every_steps) ||
         std::ranges::any_of(session_.sets, [&](const auto& set) { return due(set->spec().every_steps); });
}

void Trainer::evaluate(Sets sets, Interruptible interruptible) {
  const auto poll = [&] {
    return interruptible == Interruptible::yes && control_.stop_requested() ? Next::cancel : Next::go_on;
  };
  const bool all = sets == Sets::all;
  judged_.reset();
  if (all || due(session_.spec.evaluation.every_steps)) evaluate_held_out(poll);
  for (const auto& set : session_.sets)
    if (all || due(set->spec().every_steps)) evaluate_set(*set, poll);
  judge();
  if (all || due(session_.spec.evaluation.every_steps)) sample();
}

void Trainer::evaluate_held_out(const std::function<Next()>& poll) {
  if (!session_.evaluation) return;
  const Clock::time_point begin = Clock::now();
  auto result = session_.evaluation->run(*session_.pipeline, session_.parallel, [&](double done) {
    journal_.phase(Phase::evaluating, done);
    return poll();
  });
  if (!result) return;
  if (session_.parallel.world->rank() == 0) records_.write(now_.step, *result);
  note(kHeldOut, result->metrics);
  result->metrics["eval_seconds"] = seconds_since(begin);
  journal_.evaluation(kHeldOut, result->metrics);
}

void Trainer::evaluate_set(const NamedSet& set, const std::function<Next()>& poll) {
  const Clock::time_point begin = Clock::now();
  const std::string& name = set.spec().name;
  const auto lines = set.run(*session_.decoder, *session_.pipeline, session_.parallel,
                             session_.loader->largest_micro_batch(), [&](double done) {
                               journal_.phase(Phase::evaluating, done);
                               return poll();
                             });
  if (!lines || session_.parallel.world->rank() != 0) return;
  const auto metrics = score_set({name, now_.step, *lines, seconds_since(begin)}, records_, control_, journal_);
  if (metrics) note(name, *metrics);
}

void Trainer::note(const std::string& set, const Metrics& metrics) {
  const BestSpec& best = session_.spec.checkpoint.best;
  if (set != best.set) return;
  const auto found = metrics.find(best.metric);
  if (found != metrics.end()) judged_ = found->second;
}

void Trainer::judge() {
  const BestSpec& spec = session_.spec.checkpoint.best;
  if (spec.set.empty()) return;
  std::array<double, 2> decided{};  // save, stop: rank 0 has measured
  if (best_ && judged_) {
    const BestCheckpoints::Decision decision = best_->see(now_.step, *judged_);
    decided = {decision.save ? 1.0 : 0.0, decision.stop && now_.step < total_steps() ? 1.0 : 0.0};
  }
  session_.parallel.world->broadcast(decided, 0);
  if (decided[0] != 0) save();
  improves_no_more_ = decided[1] != 0;
  if (!improves_no_more_ || !best_) return;
  std::string best = "no step trained was better";
  if (const auto all = best_->best(); !all.empty()) best = "the best was step " + std::to_string(all.front().step);
  journal_.warning("Ended early: " + spec.name() + " has not improved in " + std::to_string(spec.patience) +
                   " evaluations; " + best + ".");
}

// Later ones are deleted, so that whatever takes the newest takes the best.
void Trainer::restore_best() {
  const CheckpointSpec& spec = session_.spec.checkpoint;
  if (!spec.best.restore || !best_) return;
  const auto best = best_->best();
  if (best.empty() || best.front().step == now_.step) return;
  std::vector<std::string> earlier;
  for (const auto& one : best)
    if (one.step <= best.front().step) earlier.push_back(checkpoint_name(one.step));
  checkpoints_.prune(spec.keep, best.front().step, earlier);
}

void Trainer::sample() {
  if (session_.generator)
    write_samples(session_.prompts, session_.spec.sampling, *session_.generator, control_, journal_);
}

void Trainer::save() {
  if (saved_step_ == now_.step) return;  // resumed from it, or saved a moment ago: the same bits
  const Clock::time_point begin = Clock::now();
  journal_.phase(Phase::saving);
  const CheckpointMeta meta{now_.step,
                            now_.epoch,
                            now_.tokens,
                            seconds(),
                            journal_.next_seq(),
                            session_.spec.method_json,
                            session_.spec.optimizer_json,
                            session_.config_json,
                            session_.spec.parallel_json};
  const SavedCheckpoint saved =
      checkpoints_.save(meta, session_.spec.method, written_tensors(session_), *session_.parallel.world);
  if (session_.parallel.world->rank() == 0)
    checkpoints_.prune(session_.spec.checkpoint.keep, now_.step, best_ ? best_->names() : std::vector<std::string>{});
  saved_step_ = now_.step;
  journal_.checkpoint(saved.name, saved.bytes, seconds_since(begin));
}

void Trainer::answer_questions() {
  while (const std::optional<Question> question = control_.take_question()) {
    journal_.phase(Phase::answering);
    answers_.answer(*question, control_, now_.step);
  }
}

void Trainer::pause() {
  constexpr auto kLook = std::chrono::milliseconds(50);
  const Clock::time_point begin = Clock::now();
  bool told = false;
  for (;;) {
    if (!told) journal_.phase(Phase::paused);
    const Requests asked = control_.look();
    if (asked.change) change(*asked.change);
    told = !serve(asked, Turn::pause);
    if (!asked.paused || asked.stop || restart_ || now_.step >= stop_at_) break;
    if (told) std::this_thread::sleep_for(kLook);
  }
  begin_ += Clock::now() - begin;  // no time of the training
}

bool Trainer::due(int64_t every_steps) const { return every_steps > 0 && now_.step % every_steps == 0; }

double Trainer::seconds() const { return start_.seconds + seconds_since(begin_); }

}  // namespace collie
