#include "core/recipe/run_spec.h"

#include <algorithm>
#include <cmath>

#include "core/base/error.h"
#include "core/base/json_reader.h"
#include "core/recipe/parallel_support.h"

namespace collie {

using nlohmann::json;

namespace {

constexpr int64_t kSchemaVersion = 1;
constexpr double kSmallest = std::numeric_limits<double>::denorm_min();  // "positive" in the schema

std::string non_empty(JsonReader& reader, const std::string& key) {
  std::string text = reader.string(key);
  if (text.empty()) reader.fail(key, "out_of_range", "must not be empty");
  return text;
}

// The engine trains on the token store and needs none of this; it is checked so that a typing error is never ignored.
void check_dataset(JsonReader dataset) {
  non_empty(dataset, "train");
  if (dataset.is_null("eval"))
    dataset.skip("eval");
  else
    non_empty(dataset, "eval");
  dataset.number("eval_fraction", 0, 0.5);
  dataset.string("system_prompt");
  enum class TooLong { drop, truncate };
  dataset.one_of<TooLong>("too_long", {{"drop", TooLong::drop}, {"truncate", TooLong::truncate}});
  JsonReader mapping = dataset.object("mapping");
  enum class Kind { prompt_answer, chat };
  if (mapping.one_of<Kind>("kind", {{"prompt_answer", Kind::prompt_answer}, {"chat", Kind::chat}}) == Kind::chat) {
    non_empty(mapping, "messages");
  } else {
    non_empty(mapping, "prompt");
    non_empty(mapping, "answer");
    for (const char* optional : {"context", "system"}) {
      if (mapping.is_null(optional))
        mapping.skip(optional);
      else
        non_empty(mapping, optional);
    }
  }
  mapping.finish();
  dataset.finish();
}

Hyper::Value read_hyper(JsonReader& reader, const HyperField& field) {
  switch (field.kind) {
    case FieldKind::number: return reader.number(field.name, field.min, field.max);
    case FieldKind::integer:
      return reader.integer(field.name, static_cast<int64_t>(field.min), static_cast<int64_t>(field.max));
    case FieldKind::boolean: return reader.boolean(field.name);
    case FieldKind::choice: break;
  }
  std::string text = reader.string(field.name), known;
  if (std::ranges::find(field.choices, text) != field.choices.end()) return text;
  for (const std::string& choice : field.choices) known += (known.empty() ? "" : ", ") + choice;
  reader.fail(field.name, "unknown_value", "must be one of " + known + ", not \"" + text + "\"");
}

// A rule that updates inside the backward pass has changed the weights before a second micro-batch could add to the gradient.
void check_accumulation(const OptimizerSpec& optimizer, const BatchShape& batch, const ParallelSpec& parallel) {
  const int64_t dp = parallel.dp_size;
  if (optimizer_rule(optimizer.type).place != UpdatePlace::inside_backward || batch.grad_accum_steps == dp) return;
  const std::string message = "must be " + std::to_string(dp) + (dp > 1 ? ", one for each data-parallel rank," : "") + " with " +
                              optimizer.type + ", which updates inside the backward pass, not " +
                              std::to_string(batch.grad_accum_steps);
  const std::string fix = "Set batch.grad_accum_steps to " + std::to_string(dp) + " and raise batch.micro_batch_size.";
  const json issue = {{"path", "batch.grad_accum_steps"}, {"code", "unsupported_combination"}, {"message", message},
                      {"received", batch.grad_accum_steps}, {"suggestion", fix}};
  throw Error("spec.invalid", "batch.grad_accum_steps: " + message, fix, {{"issues", json::array({issue})}});
}

ScheduleSpec read_schedule(JsonReader reader) {
  ScheduleSpec schedule;
  schedule.type = reader.one_of<ScheduleType>(
      "type",
      {{"cosine", ScheduleType::cosine}, {"linear", ScheduleType::linear}, {"constant", ScheduleType::constant}});
  schedule.warmup_ratio = reader.number("warmup_ratio", 0, 1);
  schedule.min_lr_ratio = reader.number("min_lr_ratio", 0, 1);
  reader.finish();
  return schedule;
}

BatchShape read_batch(JsonReader reader) {
  BatchShape batch;
  batch.micro_batch_size = reader.integer("micro_batch_size", 1, 1024);
  batch.grad_accum_steps = reader.integer("grad_accum_steps", 1, 4096);
  batch.seq_len = reader.integer("seq_len", 8, 131072);
  batch.packing = reader.boolean("packing");
  reader.finish();
  return batch;
}

DurationSpec read_duration(JsonReader reader) {
  DurationSpec duration;
  duration.unit = reader.one_of<DurationUnit>("unit", {{"epochs", DurationUnit::epochs}, {"steps", DurationUnit::steps}});
  duration.value = reader.number("value", kSmallest, 1e6);
  if (duration.unit == DurationUnit::steps && duration.value != std::floor(duration.value))
    reader.fail("value", "out_of_range", "must be a whole number of steps, not " + json(duration.value).dump());
  reader.finish();
  return duration;
}

EvaluationSpec read_evaluation(JsonReader reader) {
  const EvaluationSpec evaluation{reader.integer("every_steps", 0, 1'000'000), reader.integer("max_rows", 1, 1'000'000)};
  reader.finish();
  return evaluation;
}

CheckpointSpec read_checkpoint(JsonReader reader) {
  const CheckpointSpec checkpoint{reader.integer("every_steps", 0, 1'000'000), reader.integer("keep", 1, 1000)};
  reader.finish();
  return checkpoint;
}

SamplingSpec read_sampling(JsonReader reader) {
  SamplingSpec sampling{reader.strings("prompts"), reader.integer("max_new_tokens", 1, 4096)};
  if (sampling.prompts.size() > 16) reader.fail("prompts", "out_of_range", "must hold at most 16 prompts");
  for (const std::string& prompt : sampling.prompts)
    if (prompt.empty()) reader.fail("prompts", "out_of_range", "must not hold an empty prompt");
  reader.finish();
  return sampling;
}

// What the supervisor does with the ranks: checked so that a typing error is never ignored.
void check_supervision(JsonReader& reader) {
  reader.strings("hosts");
  JsonReader recovery = reader.object("recovery");
  recovery.integer("max_restarts", 0, 100);
  recovery.finish();
}

}  // namespace

OptimizerSpec read_optimizer(JsonReader reader) {
  OptimizerSpec optimizer;
  optimizer.type = reader.string("type");
  const OptimizerRule* rule = find_optimizer_rule(optimizer.type);
  if (!rule) {
    std::string names;
    for (const OptimizerRule& known : optimizer_rules()) names += (names.empty() ? "" : ", ") + std::string(known.type);
    reader.fail("type", "unknown_value", "must be one of " + names + ", not \"" + optimizer.type + "\"");
  }
  optimizer.learning_rate = reader.number("learning_rate", kSmallest, 1);
  for (const HyperField& field : rule->fields) optimizer.hyper.set(field.name, read_hyper(reader, field));
  reader.finish();
  return optimizer;
}

RunSpec RunSpec::parse(const json& document) {
  JsonReader reader(document);
  if (const int64_t version = reader.integer("schemaVersion"); version != kSchemaVersion)
    reader.fail("schemaVersion", "out_of_range",
                "must be " + std::to_string(kSchemaVersion) + ", not " + std::to_string(version));
  RunSpec spec;
  spec.name = reader.string("name");
  spec.model = non_empty(reader, "model");
  check_dataset(reader.object("dataset"));
  spec.method_json = reader.value("method");
  spec.method = read_method(reader.object("method"));
  spec.optimizer_json = reader.value("optimizer");
  spec.optimizer = read_optimizer(reader.object("optimizer"));
  spec.schedule = read_schedule(reader.object("schedule"));
  spec.batch = read_batch(reader.object("batch"));
  if (updates_inside_backward(spec.optimizer) && peft_method(spec.method.type).reads_gradients)
    reader.fail("optimizer.type", "unsupported_combination",
                "cannot be " + spec.optimizer.type + ", which keeps no gradients, with " + spec.method.type +
                    ", which reads them after every step; use adamw");
  spec.duration = read_duration(reader.object("duration"));
  spec.precision = reader.one_of<Precision>("precision", {{"bf16", Precision::bf16}, {"fp32", Precision::fp32}});
  spec.quantization =
      reader.one_of<Quantization>("quantization", {{"none", Quantization::none}, {"nf4", Quantization::nf4}});
  if (spec.quantization != Quantization::none && (!has_adapter(spec.method) || spec.method.type == "pissa"))
    reader.fail("quantization", "not_combinable",
                "must be none: the method " + spec.method.type + " changes the base weights, and 4 bits cannot hold its steps");
  spec.device = reader.one_of<DeviceType>("device", {{"cpu", DeviceType::cpu}, {"cuda", DeviceType::cuda}});
  spec.threads = reader.integer("threads", 0, 1024);
  spec.max_grad_norm = reader.number("max_grad_norm", 0, 1e6);
  spec.activation_checkpointing = reader.boolean("activation_checkpointing");
  spec.seed = static_cast<uint64_t>(reader.integer("seed", 0, 2'147'483'647));
  spec.optimizer.seed = spec.seed;
  spec.evaluation = read_evaluation(reader.object("evaluation"));
  spec.checkpoint = read_checkpoint(reader.object("checkpoint"));
  spec.sampling = read_sampling(reader.object("sampling"));
  spec.parallel_json = reader.value("parallel");
  spec.parallel = read_parallel(reader.object("parallel"));
  check_accumulation(spec.optimizer, spec.batch, spec.parallel);
  check_parallel({spec.method, spec.optimizer, spec.quantization, spec.parallel});
  check_supervision(reader);
  reader.finish();
  return spec;
}

RunSpec RunSpec::load(const std::filesystem::path& run_folder) {
  std::error_code ignored;
  if (!std::filesystem::is_directory(run_folder, ignored))
    throw Error("run.not_found", "There is no run folder " + run_folder.string() + ".", "Check the path.",
                {{"path", run_folder.string()}});
  return parse(read_json_file(run_folder / "spec.json"));
}

}  // namespace collie
