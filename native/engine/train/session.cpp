#include "engine/train/session.h"

#include <ATen/Parallel.h>
#include <c10/util/Exception.h>

#include <algorithm>
#include <cstdio>
#include <new>

#include "core/base/error.h"
#include "core/base/json_reader.h"
#include "core/plan/device_costs.h"
#include "core/recipe/parallel_support.h"

namespace collie {

namespace fs = std::filesystem;

namespace {

constexpr const char* kMemoryHint =
    "Lower batch.micro_batch_size or batch.seq_len, set activation_checkpointing to auto, or choose a smaller model.";

std::string gigabytes(int64_t bytes) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2f GB", static_cast<double>(bytes) / 1e9);
  return text;
}

[[noreturn]] void out_of_memory(const at::Device& device, const std::string& doing, const std::string& detail) {
  const int64_t available = memory_available(device);
  const int64_t used = memory_now(device).bytes;
  throw Error("memory.insufficient",
              doing + " did not fit into the memory of " + device_name(device) + ": " + gigabytes(used) + " in use, " +
                  gigabytes(available) + " available. " + detail,
              kMemoryHint, {{"device", device_name(device)}, {"used_bytes", used}, {"available_bytes", available}});
}

void open_rows(Session& session, const fs::path& run_folder) {
  const fs::path data = run_folder / "data";
  const RunSpec& spec = session.spec;
  session.train_rows = std::make_unique<TokenStore>(TokenStore::open(data, "train"));
  const ObjectiveRow& objective = objective_row(spec.objective);
  session.objective = make_objective(spec.objective);
  check_examples(*session.train_rows, "train", objective);
  check_documents(*session.train_rows, "train", spec.batch.seq_len, session.config.vocab_size);
  session.loader = std::make_unique<BatchLoader>(*session.train_rows, spec.batch, spec.seed, spec.duration,
                                                 virtual_tokens(spec.method));
  session.changes = Changes(run_folder, spec.optimizer.learning_rate, session.loader->total_steps());
  if (const int64_t most = session.changes.most_steps(); most > session.loader->total_steps())
    session.loader = session.loader->extended(most);

  const NamedSet::Limits limits{spec.batch.seq_len, session.config.vocab_size, session.loader->largest_micro_batch(),
                                virtual_tokens(spec.method)};
  for (const EvaluationSetSpec& set : spec.evaluation.sets)
    if (auto opened = NamedSet::open(run_folder, set, limits)) session.sets.push_back(std::move(opened));

  if (!fs::exists(data / "eval.offsets.u64")) return;
  auto rows = std::make_unique<TokenStore>(TokenStore::open(data, "eval"));
  if (rows->size() == 0) return;
  check_examples(*rows, "eval", objective);
  check_documents(*rows, "eval", spec.batch.seq_len, session.config.vocab_size);
  session.evaluation =
      std::make_unique<EvaluationSet>(*rows, spec.evaluation.max_rows, session.loader->largest_micro_batch(),
                                      virtual_tokens(spec.method), spec.objective);
  session.eval_rows = std::move(rows);
}

DecoderOptions decoder_options(const Session& session) {
  const RunSpec& spec = session.spec;
  DecoderOptions options;
  options.precision = spec.precision;
  options.device = session.device;
  options.purpose = Purpose::train;
  options.method = spec.method;
  if (updates_inside_backward(spec.optimizer)) {
    options.masters = Masters::none;
    options.gradients = GradientLife::one_layer;
  }
  options.quantization = spec.quantization;
  options.checkpointing = spec.activation_checkpointing.value_or(ActivationCheckpointing::off);
  options.capacity_tokens = session.loader->largest_micro_batch();
  options.max_document = session.loader->longest_document();
  if (session.evaluation) {
    options.capacity_tokens = std::max(options.capacity_tokens, session.evaluation->largest_batch());
    options.max_document = std::max(options.max_document, session.evaluation->longest_document());
  }
  for (const auto& set : session.sets) {
    options.capacity_tokens = std::max(options.capacity_tokens, set->largest_batch());
    options.max_document = std::max(options.max_document, set->longest_document());
  }
  options.seed = spec.seed;
  options.parallel = session.parallel;
  options.overlap = session.device.is_cpu() ? Overlap::beside_compute : Overlap::none;
  if (spec.parallel.zero_stage >= 2) options.gradients = GradientLife::one_layer;
  options.slots = pipeline_slots(spec.parallel, session.parallel.place, spec.batch.grad_accum_steps);
  options.prompt_ids = session.prompt_ids;
  return options;
}

MemoryPlan forecast(const Session& session, const DecoderOptions& options) {
  PlanInput input = plan_input(session.spec, at::get_num_threads());
  input.dp_rank = session.parallel.place.dp_rank;
  input.capacity_tokens = options.capacity_tokens;
  input.max_document = options.max_document;
  input.threads = at::get_num_threads();
  input.optimizer = session.spec.optimizer;
  input.shard = model_shard(session.config, session.spec.parallel, session.parallel.place);
  input.slots = options.slots;
  input.checkpointing = options.checkpointing;
  return plan_memory(session.config, input);
}

// Bytes that this rank's device has to give: ranks of one host share its memory, each has a GPU of its own.
int64_t on_device(const Session& session, int64_t own) {
  const HostPlace& host = session.parallel.host;
  std::vector<double> hosts(static_cast<size_t>(host.hosts));
  double& here = hosts[static_cast<size_t>(host.host_index)];
  here = static_cast<double>(own);
  session.parallel.world->all_reduce(hosts);
  return session.device.is_cpu() ? static_cast<int64_t>(here) : own;
}

// What the run takes of its device from here on, and what the device has for it. The CPU's memory is counted whole: what other programs
// hold may be given back; its scratch is left out, the forecast of that is an upper bound. A GPU has what is free, and the context of this
// process is on it already.
struct Need {
  int64_t own = 0, available = 0;
};
Need need_of(const MemoryPlan& plan, const at::Device& device) {
  if (device.is_cpu()) return {plan.total() - plan.scratch, memory_total(device)};
  return {plan.total() - kCudaContextBytes, memory_available(device)};
}

// The first level with which the run fits beside what else has memory now; the last where none does. All ranks take the same: what they
// send each other depends on it.
ActivationCheckpointing fitting_checkpointing(const Session& session) {
  constexpr double kComfortable = 0.85;  // TIGHT of electron/server/spec/layouts.ts
  const int64_t available = memory_available(session.device);
  DecoderOptions options = decoder_options(session);
  for (const auto& [name, level] : kCheckpointingLevels) {
    options.checkpointing = level;
    const int64_t needed = on_device(session, need_of(forecast(session, options), session.device).own);
    const bool fits = available == 0 || static_cast<double>(needed) <= kComfortable * static_cast<double>(available);
    double tight = fits ? 0 : 1;
    session.parallel.world->all_reduce(std::span(&tight, 1));
    if (tight == 0) return level;
  }
  return ActivationCheckpointing::full;
}

}  // namespace

CheckpointTensors held_tensors(Session& session) {
  CheckpointTensors held{session.decoder->trained_tensors(), session.optimizer->state()};
  for (const NamedTensor& tensor : session.decoder->method_state()) held.state.push_back(tensor);
  return held;
}

CheckpointTensors written_tensors(Session& session) {
  const GridPlace& place = session.parallel.place;
  const CheckpointTensors held = held_tensors(session);
  CheckpointTensors written;
  // Replicas of weights are left to the first rank of their group; state to the one that owns it, the first where all do.
  for (const NamedTensor& tensor : held.trained)
    if ((tensor.sole || place.dp_rank == 0) && (tensor.slice.dim >= 0 || place.tp_rank == 0))
      written.trained.push_back(tensor);
  const bool owns = session.spec.parallel.zero_stage > 0 || place.dp_rank == 0;
  for (const NamedTensor& tensor : held.state)
    if (owns && (tensor.slice.dim >= 0 || place.tp_rank == 0)) written.state.push_back(tensor);
  return written;
}

// The system would not refuse the memory but end the process once it touches too much, and a GPU would only in the middle of a step: so
// what cannot fit is refused here.
void require_memory(const Session& session, const MemoryPlan& plan, const std::string& what) {
  const auto [own, available] = need_of(plan, session.device);
  const int64_t needed = on_device(session, own);
  if (available == 0 || needed <= available) return;
  const std::string ranks = std::to_string(session.parallel.host.size);
  const std::string together =
      needed == own ? "" : " (" + gigabytes(needed) + " for the " + ranks + " ranks of this host)";
  const std::string free = session.device.is_cpu() ? "" : " free";
  throw Error("memory.insufficient",
              what + " need about " + gigabytes(own) + ": weights " + gigabytes(plan.weights) + ", gradients " +
                  gigabytes(plan.gradients) + ", optimizer " + gigabytes(plan.optimizer) + ", activations " +
                  gigabytes(plan.activations) + together + ". " + device_name(session.device) + " has " +
                  gigabytes(available) + free + ".",
              kMemoryHint,
              {{"needed_bytes", needed}, {"total_bytes", available}, {"device", device_name(session.device)}});
}

void with_memory_errors(const at::Device& device, const std::string& doing, const std::function<void()>& action) {
  try {
    action();
  } catch (const std::bad_alloc& error) {
    out_of_memory(device, doing, "");
  } catch (const c10::OutOfMemoryError& error) {
    out_of_memory(device, doing, error.what_without_backtrace());
  } catch (const c10::Error& error) {
    // The CPU allocator of libtorch has no error class of its own.
    if (std::string(error.what_without_backtrace()).find("DefaultCPUAllocator") == std::string::npos) throw;
    out_of_memory(device, doing, error.what_without_backtrace());
  }
}

Session open_session(const RunSpec& spec, const fs::path& run_folder, const Parallel& parallel, at::Device device) {
  Session session;
  session.parallel = parallel;
  session.spec = spec;
  session.device = device;
  session.config = ModelConfig::load(spec.model);
  check_method_fits(spec.method, session.config);
  check_layout(session.config, spec.quantization, spec.parallel);
  session.config_json = read_json_file(fs::path(spec.model) / "config.json");
  open_rows(session, run_folder);
  session.prompts = load_sample_prompts(run_folder, spec.sampling);
  session.prompt_ids = load_prompt_ids(run_folder, spec.method, session.config.vocab_size);
  if (!spec.activation_checkpointing) session.spec.activation_checkpointing = fitting_checkpointing(session);
  return session;
}

void allocate(Session& session, Journal& journal, AdapterStart start) {
  const RunSpec& spec = session.spec;
  const DecoderOptions options = decoder_options(session);
  journal.phase(Phase::allocating);
  const std::string what =
      "The model and its largest micro-batch of " + std::to_string(options.capacity_tokens) + " tokens";
  require_memory(session, forecast(session, options), what);
  const OwnerGradients gradients =
      updates_inside_backward(spec.optimizer) ? OwnerGradients::none : OwnerGradients::added_up;
  with_memory_errors(session.device, what, [&] {
    session.kernels = make_kernels(session.device);
    session.decoder = std::make_unique<Decoder>(session.config, options);
    session.pipeline = std::make_unique<Pipeline>(*session.decoder, session.parallel);
    session.sync = std::make_unique<GradientSync>(*session.decoder, session.parallel, gradients, options.overlap);
    session.optimizer = make_optimizer(spec.optimizer, session.sync->owned(), *session.kernels);
    if (session.prompts.empty()) return;
    session.generator = std::make_unique<Generator>(
        *session.decoder, AdapterUse::on, longest_sample(session.prompts, spec.sampling), options.capacity_tokens);
  });
  with_memory_errors(session.device, "The model's weights", [&] {
    session.decoder->load(spec.model, [&](double done) { journal.phase(Phase::loading_model, done); }, start);
  });
}

}  // namespace collie
