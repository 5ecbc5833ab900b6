// One rank's view of the grid: its place, and the groups it belongs to, every one a slice of the grid.
#pragma once

#include <memory>

#include "core/parallel.h"
#include "engine/parallel/communicator.h"

namespace collie {

struct Parallel {
  ParallelSpec spec;
  GridPlace place;
  std::shared_ptr<Communicator> world;
  std::shared_ptr<Communicator> tp;  // same stage and dp_rank; rank() is tp_rank
  std::shared_ptr<Communicator> dp;  // same stage and tp_rank; rank() is dp_rank
  std::shared_ptr<Communicator> pp;  // same dp_rank and tp_rank; rank() is the stage
  std::shared_ptr<Communicator> ends;  // the first and the last stage of that pipeline; of others: nobody else
};

// Takes over the world and splits it. std::logic_error when its size is not the spec's.
Parallel make_parallel(const ParallelSpec& spec, std::shared_ptr<Communicator> world);
// One rank, no communication.
Parallel serial();

}  // namespace collie
