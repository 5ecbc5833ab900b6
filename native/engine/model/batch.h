// One micro-batch: documents one after another, no padding. Legend: N tokens of the micro-batch, D documents.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

namespace collie {

struct PackedBatch {
  std::vector<int32_t> ids_N;
  std::vector<int32_t> positions_N;   // restart at 0 in every document
  std::vector<int32_t> targets_N;     // id to predict at each position, or -1: the loss does not count it
  std::vector<int32_t> doc_offsets;   // D + 1 offsets into the N tokens; attention never crosses them
  std::vector<float> weights_N = {};  // of the targets in the loss; empty: all 1
  int64_t n_tokens() const { return static_cast<int64_t>(ids_N.size()); }
  int64_t n_targets() const;
  // Of the target at position i.
  float weight(size_t i) const { return weights_N.empty() ? 1 : weights_N[i]; }
  int64_t longest_document() const;
};

// The batch with `slots` virtual tokens before every document: id 0, no target, the first positions. Real tokens follow.
void add_slots(const PackedBatch& batch, int64_t slots, PackedBatch& out);

}  // namespace collie
