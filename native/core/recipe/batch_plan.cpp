#include "core/recipe/batch_plan.h"

#include <algorithm>
#include <bit>
#include <string>

#include "core/base/error.h"
#include "core/base/random.h"

namespace collie {

namespace {

// Free room of every sequence, as a tree of maxima: finds the first sequence with enough room in log time, so that true
// first fit of a million documents takes a fraction of a second.
class FirstFit {
 public:
  FirstFit(size_t most_sequences, int64_t seq_len)
      : leaves_(std::bit_ceil(std::max<size_t>(most_sequences, 1))), room_(2 * leaves_, seq_len) {}

  // Takes `tokens` from the first sequence with that much room; unused sequences have all of theirs.
  size_t place(int64_t tokens) {
    size_t node = 1;
    while (node < leaves_) {
      node *= 2;
      if (room_[node] < tokens) ++node;
    }
    const size_t sequence = node - leaves_;
    room_[node] -= tokens;
    for (node /= 2; node > 0; node /= 2) room_[node] = std::max(room_[2 * node], room_[2 * node + 1]);
    return sequence;
  }

 private:
  size_t leaves_;
  std::vector<int64_t> room_;
};

}  // namespace

std::vector<Sequence> plan_epoch(std::span<const int64_t> lengths, const BatchShape& shape, uint64_t seed,
                                 int64_t epoch) {
  std::vector<int64_t> order;
  order.reserve(lengths.size());
  for (size_t i = 0; i < lengths.size(); ++i) {
    if (lengths[i] > shape.seq_len)
      throw Error("dataset.bad_row",
                  "Document " + std::to_string(i) + " has " + std::to_string(lengths[i]) +
                      " tokens, the sequence length is " + std::to_string(shape.seq_len) + ".",
                  "Raise the sequence length, or truncate or drop long rows.",
                  {{"row", i}, {"tokens", lengths[i]}, {"seq_len", shape.seq_len}});
    if (lengths[i] > 1) order.push_back(static_cast<int64_t>(i));
  }
  Random(seed, static_cast<uint64_t>(epoch)).shuffle(std::span(order));

  std::vector<Sequence> sequences;
  if (!shape.packing) {
    sequences.reserve(order.size());
    for (const int64_t document : order) sequences.push_back({document});
    return sequences;
  }
  FirstFit fit(order.size(), shape.seq_len);
  for (const int64_t document : order) {
    const size_t sequence = fit.place(lengths[document]);
    if (sequence == sequences.size()) sequences.emplace_back();
    sequences[sequence].push_back(document);
  }
  return sequences;
}

int64_t steps_per_epoch(int64_t sequences, const BatchShape& shape) {
  const int64_t per_step = shape.sequences_per_step();
  return (sequences + per_step - 1) / per_step;
}

}  // namespace collie
