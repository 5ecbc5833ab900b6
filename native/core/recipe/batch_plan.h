// Which documents make up which optimizer step: a pure function of lengths, batch numbers, seed and epoch. The same in
// the rank (what is trained), in the window (how many steps there will be) and after a resume. No state is saved.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace collie {

struct BatchShape {
  int64_t micro_batch_size = 1;  // sequences a rank forwards at once
  int64_t grad_accum_steps = 1;  // micro-batches that each data-parallel rank accumulates in one optimizer step
  int64_t seq_len = 1;           // most tokens of one sequence
  bool packing = false;          // a sequence holds several documents (first fit in shuffled order), else exactly one
  int64_t dp_size = 1;           // data-parallel ranks

  // The global batch: micro-batches and sequences of one optimizer step over all data-parallel ranks.
  int64_t micro_batches_per_step() const { return grad_accum_steps * dp_size; }
  int64_t sequences_per_step() const { return micro_batch_size * micro_batches_per_step(); }
};

// Documents of one sequence, in order. Together at most seq_len tokens, unless it is a single group that is longer.
using Sequence = std::vector<int64_t>;

// All sequences of one epoch, shuffled by (seed, epoch) with our own generator: the same on every platform.
// Documents of 0 or 1 tokens are left out. Every other document appears exactly once. `groups`: offsets into the documents of those that
// stay together in one sequence, in their order (an example of several documents), or empty: each is its own; a group is left out with
// any of its documents.
std::vector<Sequence> plan_epoch(std::span<const int64_t> lengths, const BatchShape& shape, uint64_t seed,
                                 int64_t epoch, std::span<const uint64_t> groups = {});

// Optimizer steps of one epoch of `sequences` sequences; the last may be smaller than the others.
int64_t steps_per_epoch(int64_t sequences, const BatchShape& shape);

}  // namespace collie
