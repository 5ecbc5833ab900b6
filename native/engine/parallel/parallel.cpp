#include "engine/parallel/parallel.h"

#include <cmath>
#include <stdexcept>
#include <utility>

namespace collie {

Parallel make_parallel(const ParallelSpec& spec, std::shared_ptr<Communicator> world,
                       std::function<void(const Error&)> report_hang) {
  if (world->size() != spec.world_size())
    throw std::logic_error("a grid of " + std::to_string(spec.world_size()) + " ranks over a world of " +
                           std::to_string(world->size()));
  if (world->size() > 1) start_watchdog(spec.hang_timeout, std::move(report_hang));
  Parallel parallel{.spec = spec,
                    .place = place_of(spec, world->rank()),
                    .host = host_place(*world),
                    .world = world,
                    .tp = {},
                    .dp = {},
                    .pp = {},
                    .weights = {},
                    .ends = {}};
  const auto [stage, dp_rank, tp_rank] = parallel.place;
  parallel.tp = world->split(stage * spec.dp_size + dp_rank, tp_rank, "tensor-parallel");
  parallel.dp = world->split(stage * spec.tp_size + tp_rank, dp_rank, "data-parallel");
  if (spec.zero_stage >= 3 && spec.dp_size > 1)
    parallel.weights = parallel.dp->split(0, dp_rank, "weights of data-parallel");
  parallel.pp = world->split(dp_rank * spec.tp_size + tp_rank, stage, "pipeline");
  parallel.pp->open_channels();
  const bool end = stage == 0 || stage == spec.pp_size - 1;
  parallel.ends = parallel.pp->split(end ? 0 : 1 + stage, stage, "ends of the pipeline");
  return parallel;
}

int64_t sent_bytes(const Parallel& parallel) {
  double sum = 0;
  for (const auto& group : {parallel.world, parallel.tp, parallel.dp, parallel.pp, parallel.weights, parallel.ends}) {
    if (!group || group->size() < 2) continue;
    const CommVolume volume = group->volume();
    const auto given = [&](Collective collective) { return static_cast<double>(volume.bytes_of(collective)); };
    const auto n = static_cast<double>(group->size());
    const double share = (n - 1) / n;
    sum += 2 * share * given(Collective::all_reduce) + (n - 1) * given(Collective::all_gather) +
           given(Collective::send) +
           share * (given(Collective::reduce) + given(Collective::broadcast) + given(Collective::reduce_scatter));
  }
  return std::llround(sum);
}

Parallel serial() { return make_parallel(ParallelSpec{}, single_rank()); }

}  // namespace collie
