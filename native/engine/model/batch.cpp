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

}  // namespace collie
