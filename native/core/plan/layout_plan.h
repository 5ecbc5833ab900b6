// What a parallel layout asks of every rank before it starts: memory, arithmetic, and what it sends. The memory is the forecast of the
// rank's shard with all micro-batches that its stage has in flight.
#pragma once

#include <vector>

#include "core/plan/memory_plan.h"
#include "core/grid/parallel.h"

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

// One plan for every stage and tp_rank, of dp_rank 0: data-parallel ranks are alike. `threads` of one rank.
// Throws spec.invalid when model, method and optimizer do not allow the layout.
std::vector<RankPlan> plan_layout(const ModelConfig& config, const RunSpec& spec, int64_t threads);

}  // namespace collie
