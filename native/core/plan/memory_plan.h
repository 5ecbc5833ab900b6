// How much memory a run takes, before it starts: the sizes of core/plan/model_layout.h, which the engine allocates with, added up. Of optimizer
// states and gradients that ZeRO shares out it takes an even part, while tensors are whole in truth.
#pragma once

#include <cstdint>
#include <optional>

#include "core/plan/model_layout.h"
#include "core/recipe/run_spec.h"

namespace collie {

struct PlanInput {
  Purpose purpose = Purpose::train;
  std::optional<MethodSpec> method;  // nullopt: the base model alone
  Masters masters = Masters::fp32;
  GradientLife gradients = GradientLife::whole_step;
  Quantization quantization = Quantization::none;
  Precision precision = Precision::bf16;
  ActivationCheckpointing checkpointing = ActivationCheckpointing::off;
  int64_t capacity_tokens = 1;  // largest micro-batch, virtual tokens included
  int64_t max_document = 1;     // the same
  int64_t slots = 1;            // micro-batches in flight
  int64_t threads = 1;
  std::optional<OptimizerSpec> optimizer = {};  // what trains; none: the forecast has no optimizer
  std::optional<ModelShard> shard = {};         // what the rank has of the model; none: all of it
  int64_t zero_stage = 0, dp_size = 1, dp_rank = 0;
  DeviceType device = DeviceType::cpu;  // whose memory it is
};

// Bytes, unless named otherwise.
struct MemoryPlan {
  int64_t weights = 0;  // frozen and trained, masters and compute copies
  int64_t gradients = 0;
  int64_t optimizer = 0;         // state and workspace
  int64_t activations = 0;       // workspaces
  int64_t scratch = 0;           // of the kernels and, on a GPU, of libraries that allocate; an upper bound
  int64_t overhead = 0;          // of the process with its libraries, in the memory of the device
  int64_t total_params = 0;      // elements that the rank has, without the adapter
  int64_t trainable_params = 0;  // elements
  int64_t adapter = 0;           // of the rank's part of an exported adapter file, fp32
  int64_t total() const { return weights + gradients + optimizer + activations + scratch + overhead; }
};

MemoryPlan plan_memory(const ModelConfig& config, const PlanInput& input);
// What a resolved spec asks for, with the largest micro-batch it allows; `machine_threads` where the spec says 0 threads.
PlanInput plan_input(const RunSpec& spec, int64_t machine_threads);
MemoryPlan plan_memory(const ModelConfig& config, const RunSpec& spec, int64_t machine_threads);

}  // namespace collie
