#include "core/recipe/run_spec.h"

#include <algorithm>

#include "core/base/error.h"
#include "core/base/json_reader.h"
#include "core/base/json_text.h"
#include "core/recipe/rules.h"
#include "core/recipe/spec_version.h"

namespace collie {

using nlohmann::json;

namespace {

constexpr double kSmallest = std::numeric_limits<double>::denorm_min();  // "positive" in the schema

std::string non_empty(JsonReader& reader, const std::string& key) {
  std::string text = reader.string(key);
  if (text.empty()) reader.fail(key, "out_of_range", "must not be empty");
  return text;
}

Hyper::Value read_hyper(JsonReader& reader, const HyperField& field) {
  switch (field.kind) {
    case FieldKind::number:
      return reader.number(field.name, field.min, field.max);
    case FieldKind::integer:
      return reader.integer(field.name, static_cast<int64_t>(field.min), static_cast<int64_t>(field.max));
    case FieldKind::boolean:
      return reader.boolean(field.name);
    case FieldKind::choice:
      break;
  }
  std::string text = reader.string(field.name), known;
  if (std::ranges::find(field.choices, text) != field.choices.end()) return text;
  for (const std::string& choice : field.choices) known += (known.empty() ? "" : ", ") + choice;
  reader.fail_choice(field.name, known, text);
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
  duration.unit =
      reader.one_of<DurationUnit>("unit", {{"epochs", DurationUnit::epochs}, {"steps", DurationUnit::steps}});
  duration.value = reader.number("value", kSmallest, 1e6);
  reader.finish();
  return duration;
}

// The host has fields of its own in the sections from here on: these readers do not finish().
AnswerSpec read_answers(JsonReader reader) {
  AnswerSpec answers;
  answers.max_new_tokens = reader.integer("max_new_tokens", 1, 4096);
  answers.per_prompt = reader.integer("answers", 1, 64);
  answers.temperature = reader.number("temperature", 0, 5);
  answers.seed = static_cast<uint64_t>(reader.integer("seed", 0, 2'147'483'647));
  return answers;
}

EvaluationSetSpec read_set(JsonReader reader, int64_t every_steps) {
  EvaluationSetSpec set;
  set.name = non_empty(reader, "name");
  if (set.name.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_-") != std::string::npos)
    reader.fail("name", "out_of_range", "must be of small letters, digits, _ and -, not " + json_text(set.name));
  set.every_steps = reader.is_null("every_steps") ? every_steps : reader.integer("every_steps", 0, 1'000'000);
  JsonReader evaluator = reader.object("evaluator");
  set.evaluator = evaluator.one_of<Evaluator>(
      "type",
      {{"likelihood", Evaluator::losses}, {"classification", Evaluator::losses}, {"generation", Evaluator::answers}});
  if (set.evaluator == Evaluator::answers) set.answers = read_answers(reader.object("evaluator"));
  return set;
}

// Runs made before there were sets have none.
EvaluationSpec read_evaluation(JsonReader reader) {
  EvaluationSpec evaluation{reader.integer("every_steps", 0, 1'000'000), reader.integer("max_rows", 1, 1'000'000), {}};
  if (!reader.has("sets")) return evaluation;
  const nlohmann::json& sets = reader.value("sets");
  if (!sets.is_array()) reader.fail("sets", "wrong_type", "must be a list");
  for (size_t i = 0; i < sets.size(); ++i)
    evaluation.sets.push_back(
        read_set(JsonReader(sets[i], "evaluation.sets." + std::to_string(i)), evaluation.every_steps));
  return evaluation;
}

BestSpec read_best(JsonReader& reader) {
  BestSpec best;
  if (!reader.has("best_by") || reader.is_null("best_by")) return best;
  const std::string by = reader.string("best_by");
  const size_t slash = by.find('/');
  if (slash == std::string::npos || slash == 0 || slash + 1 == by.size())
    reader.fail("best_by", "out_of_range", "must be a set and a metric of it, as eval/loss, not " + json_text(by));
  best.set = by.substr(0, slash);
  best.metric = by.substr(slash + 1);
  best.highest = reader.one_of<bool>("best_is", {{"lowest", false}, {"highest", true}});
  best.keep = reader.integer("keep_best", 1, 1000);
  best.patience = reader.integer("patience", 0, 1000);
  best.min_delta = reader.number("min_delta", 0, 1e6);
  best.restore = reader.boolean("restore_best");
  return best;
}

// Runs made before there were best ones have none.
CheckpointSpec read_checkpoint(JsonReader reader) {
  return {reader.integer("every_steps", 0, 1'000'000), reader.integer("keep", 1, 1000), read_best(reader)};
}

SamplingSpec read_sampling(JsonReader reader) {
  SamplingSpec sampling{reader.strings("prompts"), reader.integer("max_new_tokens", 1, 4096)};
  if (sampling.prompts.size() > 16) reader.fail("prompts", "out_of_range", "must hold at most 16 prompts");
  for (const std::string& prompt : sampling.prompts)
    if (prompt.empty()) reader.fail("prompts", "out_of_range", "must not hold an empty prompt");
  return sampling;
}

}  // namespace

std::optional<ActivationCheckpointing> read_checkpointing(JsonReader& reader) {
  using Level = std::optional<ActivationCheckpointing>;
  std::vector<std::pair<const char*, Level>> choices = {{"auto", std::nullopt}};
  for (const auto& [name, level] : kCheckpointingLevels) choices.emplace_back(name, level);
  return reader.one_of<Level>("activation_checkpointing", std::span(std::as_const(choices)));
}

OptimizerSpec read_optimizer(JsonReader reader) {
  OptimizerSpec optimizer;
  optimizer.type = reader.string("type");
  const OptimizerRule* rule = find_optimizer_rule(optimizer.type);
  if (!rule) {
    std::string names;
    for (const OptimizerRule& known : optimizer_rules()) names += (names.empty() ? "" : ", ") + std::string(known.type);
    reader.fail_choice("type", names, optimizer.type);
  }
  optimizer.learning_rate = reader.number("learning_rate", kSmallest, 1);
  for (const HyperField& field : rule->fields) optimizer.hyper.set(field.name, read_hyper(reader, field));
  reader.finish();
  return optimizer;
}

RunSpec RunSpec::parse(const json& written) {
  const json document = newest_spec(written);
  JsonReader reader(document);
  if (const int64_t version = reader.integer("schemaVersion"); version != kSpecVersion)
    reader.fail("schemaVersion", "out_of_range",
                "must be at most " + std::to_string(kSpecVersion) + " (a newer Collie reads it), not " +
                    std::to_string(version));
  RunSpec spec;
  spec.model = non_empty(reader, "model");
  spec.method_json = reader.value("method");
  spec.method = read_method(reader.object("method"));
  spec.optimizer_json = reader.value("optimizer");
  spec.optimizer = read_optimizer(reader.object("optimizer"));
  spec.schedule = read_schedule(reader.object("schedule"));
  spec.batch = read_batch(reader.object("batch"));
  spec.duration = read_duration(reader.object("duration"));
  spec.precision = reader.one_of<Precision>("precision", {{"bf16", Precision::bf16}, {"fp32", Precision::fp32}});
  spec.quantization =
      reader.one_of<Quantization>("quantization", {{"none", Quantization::none}, {"nf4", Quantization::nf4}});
  spec.device = reader.one_of<DeviceType>("device", {{"cpu", DeviceType::cpu}, {"cuda", DeviceType::cuda}});
  spec.threads = reader.integer("threads", 0, 1024);
  spec.max_grad_norm = reader.number("max_grad_norm", 0, 1e6);
  spec.activation_checkpointing = read_checkpointing(reader);
  spec.seed = static_cast<uint64_t>(reader.integer("seed", 0, 2'147'483'647));
  spec.optimizer.seed = spec.seed;
  spec.evaluation = read_evaluation(reader.object("evaluation"));
  spec.checkpoint = read_checkpoint(reader.object("checkpoint"));
  spec.sampling = read_sampling(reader.object("sampling"));
  spec.parallel_json = reader.value("parallel");
  spec.parallel = read_parallel(reader.object("parallel"));
  spec.batch.dp_size = spec.parallel.dp_size;
  throw_refusals(rule_refusals(document));
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
