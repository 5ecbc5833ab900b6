#include "core/grid/pipeline_schedule.h"

#include <algorithm>

namespace collie {

namespace {

// The i-th pass of a direction: groups of `stages` micro-batches go through all chunks of the rank, one chunk after another.
PipelineAction nth(Pass pass, int64_t i, int64_t stages, int64_t chunks) {
  const int64_t group = i / (stages * chunks), in_group = i % (stages * chunks);
  const int64_t chunk = in_group / stages;
  return {pass, group * stages + in_group % stages, pass == Pass::forward ? chunk : chunks - 1 - chunk};
}

}  // namespace

std::vector<PipelineAction> pipeline_schedule(int64_t stage, int64_t stages, int64_t micro_batches, int64_t chunks) {
  // A group that is not full is planned as if it were: leaving out what is not there makes nobody wait for anything more.
  const int64_t planned = chunks == 1 ? micro_batches : (micro_batches + stages - 1) / stages * stages;
  const int64_t total = planned * chunks;
  const int64_t ahead =
      stages - 1 - stage;  // ranks that a forward pass has to go through before its gradient comes back
  const int64_t warmup = std::min(total, chunks == 1 ? ahead : 2 * ahead + (chunks - 1) * stages);
  std::vector<PipelineAction> actions;
  const auto add = [&](Pass pass, int64_t i) {
    const PipelineAction action = nth(pass, i, stages, chunks);
    if (action.micro_batch < micro_batches) actions.push_back(action);
  };
  for (int64_t i = 0; i < warmup; ++i) add(Pass::forward, i);
  for (int64_t i = 0; i < total; ++i) {
    if (warmup + i < total) add(Pass::forward, warmup + i);
    add(Pass::backward, i);
  }
  return actions;
}

int64_t most_in_flight(const std::vector<PipelineAction>& actions) {
  int64_t now = 0, most = 0;
  for (const PipelineAction& action : actions) {
    now += action.pass == Pass::forward ? 1 : -1;
    most = std::max(most, now);
  }
  return most;
}

}  // namespace collie
