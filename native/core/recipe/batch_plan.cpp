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

void check_length(int64_t document, int64_t length, int64_t seq_len) {
  if (length <= seq_len) return;
  throw Error("dataset.bad_row",
              "Document " + std::to_string(document) + " has " + std::to_string(length) +
                  " tokens, the sequence length is " + std::to_string(seq_len) + ".",
              "Raise the sequence length, or truncate or drop long rows.",
              {{"row", document}, {"tokens", length}, {"seq_len", seq_len}});
}

// Documents that stay together.
struct Group {
  int64_t first = 0, count = 1, tokens = 0;
};

// Those of which every document has something to predict, in the order of the store.
std::vector<Group> usable_groups(std::span<const int64_t> lengths, std::span<const uint64_t> offsets, int64_t seq_len) {
  std::vector<Group> groups;
  const size_t count = offsets.empty() ? lengths.size() : offsets.size() - 1;
  groups.reserve(count);
  for (size_t g = 0; g < count; ++g) {
    const size_t begin = offsets.empty() ? g : offsets[g], end = offsets.empty() ? g + 1 : offsets[g + 1];
    Group group{static_cast<int64_t>(begin), static_cast<int64_t>(end - begin), 0};
    bool usable = end > begin;
    for (size_t i = begin; i < end; ++i) {
      check_length(static_cast<int64_t>(i), lengths[i], seq_len);
      usable &= lengths[i] > 1;
      group.tokens += lengths[i];
    }
    if (usable) groups.push_back(group);
  }
  return groups;
}

void append(Sequence& sequence, const Group& group) {
  for (int64_t i = 0; i < group.count; ++i) sequence.push_back(group.first + i);
}

}  // namespace

std::vector<Sequence> plan_epoch(std::span<const int64_t> lengths, const BatchShape& shape, uint64_t seed,
                                 int64_t epoch, std::span<const uint64_t> offsets) {
  std::vector<Group> groups = usable_groups(lengths, offsets, shape.seq_len);
  Random(seed, static_cast<uint64_t>(epoch)).shuffle(std::span(groups));

  std::vector<Sequence> sequences;
  if (!shape.packing) {
    sequences.reserve(groups.size());
    for (const Group& group : groups) append(sequences.emplace_back(), group);
    return sequences;
  }
  FirstFit fit(groups.size(), shape.seq_len);
  for (const Group& group : groups) {
    const size_t sequence = fit.place(std::min(group.tokens, shape.seq_len));
    if (sequence == sequences.size()) sequences.emplace_back();
    append(sequences[sequence], group);
  }
  return sequences;
}

int64_t steps_per_epoch(int64_t sequences, const BatchShape& shape) {
  const int64_t per_step = shape.sequences_per_step();
  return (sequences + per_step - 1) / per_step;
}

}  // namespace collie
