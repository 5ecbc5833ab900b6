// One rank's view of the grid: its place, and the groups it belongs to, every one a slice of the grid.
#pragma once

#include <functional>
#include <memory>

#include "core/grid/parallel.h"
#include "engine/parallel/communicator.h"
#include "engine/parallel/world.h"

namespace collie {

struct Parallel {
  ParallelSpec spec;
  GridPlace place;
  HostPlace host;
  std::shared_ptr<Communicator> world;
  std::shared_ptr<Communicator> tp;  // same stage and dp_rank; rank() is tp_rank
  std::shared_ptr<Communicator> dp;  // same stage and tp_rank; rank() is dp_rank
  std::shared_ptr<Communicator> pp;  // same dp_rank and tp_rank; rank() is the stage
  std::shared_ptr<Communicator>
      weights;  // the ranks of dp once more, for weights of ZeRO 3 on their way beside everything else; or null
  std::shared_ptr<Communicator> ends;  // the first and the last stage of that pipeline; of others: nobody else
};

// Takes over the world and splits it; from then on the watchdog of world.h looks for ranks that hang longer than spec.hang_timeout, and
// tells `report_hang`. std::logic_error when the world's size is not the spec's.
Parallel make_parallel(const ParallelSpec& spec, std::shared_ptr<Communicator> world,
                       std::function<void(const Error&)> report_hang = print_error);
// One rank, no communication.
Parallel serial();

// Bytes that this rank has sent so far in the groups of the grid: what it gave to each collective, as a ring sends it. Of n ranks an all-reduce sends 2 (n - 1) / n
// of a tensor from each, a reduce-scatter, a reduce and a broadcast (n - 1) / n, an all-gather n - 1 parts (Chan et al. 2007, "Collective communication: theory,
// practice, and experience").
int64_t sent_bytes(const Parallel& parallel);

}  // namespace collie
