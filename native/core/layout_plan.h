// What a parallel layout asks of every rank before it starts: memory, arithmetic, and what it sends. The memory of a rank is that of a
// model of its shares (heads, intermediate size, vocabulary, layers); ZeRO and the micro-batches of a pipeline that are under way at
// once are added to it. An estimate: shares of adapters that hang on the number of a layer are counted as if evenly spread.
#pragma once

#include <vector>

#include "core/memory_plan.h"
#include "core/parallel.h"

namespace collie {

// Bytes that a rank sends in one optimizer step, in ring algorithms: all_reduce of n bytes over p ranks sends 2 n (p - 1) / p.
struct StepTraffic {
  double tensor = 0;    // activations between tensor-parallel ranks
  double pipeline = 0;  // activations and their gradients to the next and the previous stage
  double data = 0;      // gradients, and weights with ZeRO
};

struct RankPlan {
  int64_t rank = 0;
  GridPlace place;
  int64_t layers = 0;
  MemoryPlan memory;
  // Floating-point operations for one token, forward and backward, recomputation included.
  double flops_per_token = 0;
  StepTraffic traffic;
};

// Micro-batches whose activations a stage holds at once under (interleaved) 1F1B, in passes through all its layers.
double micro_batches_under_way(const ParallelSpec& spec, int64_t stage, int64_t micro_batches);

// One plan for every stage and tp_rank, of dp_rank 0: data-parallel ranks are alike. `threads` of one rank.
// Throws spec.invalid when the model cannot be cut that way.
std::vector<RankPlan> plan_layout(const ModelConfig& config, const RunSpec& spec, int64_t threads);

}  // namespace collie
