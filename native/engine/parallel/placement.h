// Where a tensor-parallel group holds a tensor, and what a gradient on one of its ranks is.
#pragma once

#include "core/grid/parallel.h"
#include "engine/parallel/communicator.h"

namespace collie {

// Over whom the gradient that the backward pass leaves on a rank has to be summed: nobody; the ranks that hold the same key-value head;
// the whole group, because every rank holds the tensor and has seen only its part of the model, or of the tokens.
enum class GradientSum { none, replicas, group };
// Whether a rank counts a tensor in sums over the group, such as norms: exactly one counts each element.
enum class Counted { no, yes };

struct Placement {
  Slice slice;  // of the logical tensor
  GradientSum gradient = GradientSum::none;
  Counted counted = Counted::yes;
};

// Of a tensor that every rank of the group holds and computes the whole gradient of.
inline Placement replicated(const Communicator& group) {
  return {{}, GradientSum::none, group.rank() == 0 ? Counted::yes : Counted::no};
}

// Of one that works on the residual stream (TokenShare): with sequence parallelism each rank's gradient is that of its own tokens.
inline Placement between_linears(const Communicator& group, const ModelShard& shard) {
  Placement placement = replicated(group);
  if (shard.sequence_parallel) placement.gradient = GradientSum::group;
  return placement;
}

}  // namespace collie
