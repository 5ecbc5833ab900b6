// One optimizer step: its micro-batches, the check that everything is finite, clipping, the update.
#pragma once

#include <cstdint>
#include <optional>

#include "engine/kernels/kernels.h"
#include "engine/model/decoder.h"
#include "engine/optim/optimizer.h"
#include "engine/train/batch_loader.h"
#include "engine/train/gradient_sync.h"
#include "engine/objective/objective.h"
#include "engine/train/pipeline.h"

namespace collie {

struct StepParts {
  Decoder& decoder;
  Optimizer& optimizer;
  Kernels& kernels;
  const TokenStore& rows;
  const Objective& objective;
  const Parallel& parallel;
  Pipeline& pipeline;
  GradientSync& sync;
};

struct StepSettings {
  int64_t step = 0;  // steps done before this one
  double learning_rate = 0;
  double max_grad_norm = 0;  // 0: no clipping
  int64_t total_steps = 1;   // of the whole run
};

struct StepResult {
  double loss = 0;                  // weighted mean loss per target of the whole step, nats
  double grad_norm = 0;             // global, before clipping
  Metrics metrics;                  // what else was measured in this step
  std::optional<RankReport> ranks;  // when the method allocated ranks in this step
};

// Called by all ranks with the same plan; data-parallel rank d forwards micro-batches d, d + dp_size, ... So neither the data nor the
// result of a step depends on the layout. Gradients are weighted by targets: those of the whole step are counted first, so each micro-batch is scaled by
// 1 / weight of all targets (their number, where the data has no weights) and any split of the same rows gives the same update. Throws train.non_finite (data: step, rows, and micro_batch or
// parameter; nothing has been updated then).
StepResult train_step(const StepParts& parts, const StepPlan& plan, const StepSettings& settings);

// The same for optimizers that update inside the backward pass (LOMO, arXiv 2306.09782): a plan of at most one micro-batch a
// data-parallel rank, and a decoder whose gradients live for one layer. Clipping by the global norm needs that norm first: a forward and backward pass of its own,
// as the paper has it. Without clipping, a gradient that is not finite is found after the layers above were updated: the run has
// to resume its last checkpoint, which it would have to anyway.
StepResult fused_train_step(const StepParts& parts, const StepPlan& plan, const StepSettings& settings);

}  // namespace collie
