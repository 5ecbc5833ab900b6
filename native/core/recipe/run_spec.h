// What spec.json says to the engine, checked and in our words, no defaults: TypeScript (electron/shared/spec/run-spec.ts) fills them. Here a
// missing key or an impossible value is spec.invalid with its path, and so is an unknown key in a section that is the engine's alone
// (method, optimizer, schedule, batch, duration, parallel). What only the host reads (name, dataset, hosts, recovery, its fields in
// evaluation, checkpoint and sampling) is not looked at: a new field there is no change here. A test holds the ranges equal.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "core/recipe/activation_checkpointing.h"
#include "core/recipe/batch_plan.h"
#include "core/recipe/peft_methods.h"
#include "core/recipe/optimizer_rules.h"
#include "core/grid/parallel.h"
#include "core/base/precision.h"

namespace collie {

enum class ScheduleType { cosine, linear, constant };
enum class DurationUnit { epochs, steps };

struct ScheduleSpec {
  ScheduleType type = ScheduleType::cosine;
  double warmup_ratio = 0;
  double min_lr_ratio = 0;
};

struct DurationSpec {
  DurationUnit unit = DurationUnit::epochs;
  double value = 0;
};

// What is computed of an evaluated set: the losses of its documents, or answers to its prompts. What they are worth is the host's to say.
enum class Evaluator { losses, answers };

struct AnswerSpec {
  int64_t max_new_tokens = 0;
  int64_t per_prompt = 1;
  double temperature = 0;  // 0: the most likely token, always
  uint64_t seed = 0;
};

struct EvaluationSetSpec {
  std::string name;
  Evaluator evaluator = Evaluator::losses;
  int64_t every_steps = 0;
  AnswerSpec answers;  // of Evaluator::answers
};

struct EvaluationSpec {
  int64_t every_steps = 0;  // 0: at the start and the end only
  int64_t max_rows = 0;
  std::vector<EvaluationSetSpec> sets;  // besides the held-out rows
};

// By which the best checkpoints are told: a metric of an evaluated set.
struct BestSpec {
  std::string set;  // empty: none are told
  std::string metric;
  bool highest = false;  // whether the highest value is best, or the lowest
  int64_t keep = 1;
  int64_t patience = 0;  // evaluations without improvement that end the run; 0: none do
  double min_delta = 0;
  bool restore = false;  // the best one is the newest in the end
  std::string name() const { return set + "/" + metric; }
};

struct CheckpointSpec {
  int64_t every_steps = 0;  // 0: at the end and when stopped only
  int64_t keep = 0;
  BestSpec best = {};
};

struct SamplingSpec {
  std::vector<std::string> prompts;
  int64_t max_new_tokens = 0;
};

struct RunSpec {
  std::string model;                        // absolute path of a Hugging Face folder
  std::string objective = "cross_entropy";  // the only one so far: no key of spec.json
  MethodSpec method;
  OptimizerSpec optimizer;
  ScheduleSpec schedule;
  BatchShape batch;
  DurationSpec duration;
  Precision precision = Precision::bf16;
  Quantization quantization = Quantization::none;  // of the frozen linear layers
  DeviceType device = DeviceType::cpu;
  int64_t threads = 0;       // 0: all cores
  double max_grad_norm = 0;  // 0: no clipping
  std::optional<ActivationCheckpointing> activation_checkpointing =
      ActivationCheckpointing::off;  // nullopt: by the memory there is
  uint64_t seed = 0;
  EvaluationSpec evaluation;
  CheckpointSpec checkpoint;
  SamplingSpec sampling;
  ParallelSpec parallel;
  // As written in spec.json: what meta.json of a checkpoint repeats.
  nlohmann::json method_json;
  nlohmann::json optimizer_json;
  nlohmann::json parallel_json;

  // Throws spec.invalid; data.issues holds {path, code, message, received, suggestion}.
  static RunSpec parse(const nlohmann::json& spec);
  // Reads <run>/spec.json. Throws run.not_found when there is no such folder, file.not_found, file.unreadable.
  static RunSpec load(const std::filesystem::path& run_folder);
};

// Reads `optimizer` of a spec. Throws spec.invalid with the path.
OptimizerSpec read_optimizer(JsonReader reader);

}  // namespace collie
