#include "engine/model/batch.h"

#include <algorithm>

namespace collie {

int64_t PackedBatch::n_targets() const {
  return std::count_if(targets_N.begin(), targets_N.end(), [](int32_t t) { return t >= 0; });
}

int64_t PackedBatch::longest_document() const {
  int64_t longest = 0;
  for (size_t d = 0; d + 1 < doc_offsets.size(); ++d)
    longest = std::max<int64_t>(longest, doc_offsets[d + 1] - doc_offsets[d]);
  return longest;
}

void add_slots(const PackedBatch& batch, int64_t slots, PackedBatch& out) {
  const auto v = static_cast<int32_t>(slots);
  out.ids_N.clear();
  out.positions_N.clear();
  out.targets_N.clear();
  out.weights_N.clear();
  out.doc_offsets.assign(1, 0);
  for (size_t d = 0; d + 1 < batch.doc_offsets.size(); ++d) {
    for (int32_t i = 0; i < v; ++i) {
      out.ids_N.push_back(0);
      out.positions_N.push_back(i);
      out.targets_N.push_back(-1);
      if (!batch.weights_N.empty()) out.weights_N.push_back(0);
    }
    for (auto i = static_cast<size_t>(batch.doc_offsets[d]); i < static_cast<size_t>(batch.doc_offsets[d + 1]); ++i) {
      out.ids_N.push_back(batch.ids_N[i]);
      out.positions_N.push_back(batch.positions_N[i] + v);
      out.targets_N.push_back(batch.targets_N[i]);
      if (!batch.weights_N.empty()) out.weights_N.push_back(batch.weights_N[i]);
    }
    out.doc_offsets.push_back(static_cast<int32_t>(out.ids_N.size()));
  }
}

}  // namespace collie
