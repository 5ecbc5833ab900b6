// Everything a run trains with, opened in the order in which it can fail: the cheap checks first, the memory last.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "core/model/model_config.h"
#include "core/plan/memory_plan.h"
#include "core/recipe/run_spec.h"
#include "core/formats/token_store.h"
#include "engine/checkpoint/checkpoint.h"
#include "engine/generate/generator.h"
#include "engine/kernels/kernels.h"
#include "engine/model/decoder.h"
#include "engine/optim/optimizer.h"
#include "engine/objective/objective.h"
#include "engine/train/batch_loader.h"
#include "engine/train/changes.h"
#include "engine/train/evaluation.h"
#include "engine/train/gradient_sync.h"
#include "engine/train/journal.h"
#include "engine/train/named_sets.h"
#include "engine/train/pipeline.h"
#include "engine/train/samples.h"

namespace collie {

struct Session {
  RunSpec spec;  // with the level of activation checkpointing that was chosen
  ModelConfig config;
  nlohmann::json config_json;  // config.json of the base model, as it is
  at::Device device = at::kCPU;
  std::unique_ptr<TokenStore> train_rows;
  std::unique_ptr<TokenStore> eval_rows;  // null: no held-out rows
  std::unique_ptr<Objective> objective;
  Changes changes;
  std::unique_ptr<BatchLoader> loader;          // of the most steps that the run ever had
  std::unique_ptr<EvaluationSet> evaluation;    // null: no held-out rows
  std::vector<std::unique_ptr<NamedSet>> sets;  // those of the spec that have rows
  std::vector<SamplePrompt> prompts;
  std::vector<int32_t> prompt_ids;  // of the text that virtual tokens start from; empty: none is given
  std::unique_ptr<Kernels> kernels;
  std::unique_ptr<Decoder> decoder;
  Parallel parallel;
  std::unique_ptr<Pipeline> pipeline;
  std::unique_ptr<GradientSync> sync;
  std::unique_ptr<Optimizer> optimizer;  // of what this rank updates
  std::unique_ptr<Generator> generator;  // null: no sample prompts
};

// The first half, without the memory: checks model configuration and data, plans all steps. Throws
// model.*, dataset.*, file.not_found, spec.invalid.
Session open_session(const RunSpec& spec, const std::filesystem::path& run_folder, const Parallel& parallel,
                     at::Device device);

// The second half: claims all memory of the run and loads the weights, with phases in the journal. Throws model.*, and
// memory.insufficient with the numbers when an allocation fails. With AdapterStart::stored the trained tensors are left to the caller.
void allocate(Session& session, Journal& journal, AdapterStart start);

// What this rank writes into a checkpoint: of tensors that several ranks hold, one writes each part. And what it reads: all it holds.
CheckpointTensors written_tensors(Session& session);
CheckpointTensors held_tensors(Session& session);

// Throws memory.insufficient where the device does not have what `plan` needs. Called by all ranks.
void require_memory(const Session& session, const MemoryPlan& plan, const std::string& what);

// Runs `action`; a failed allocation becomes memory.insufficient, naming what was being done.
void with_memory_errors(const at::Device& device, const std::string& doing, const std::function<void()>& action);

}  // namespace collie
