#include "engine/parallel/gathered.h"

#include <ATen/ops/zeros.h>

namespace collie {

at::Tensor part_of(const at::Tensor& whole, const Slice& slice) {
  return slice.dim < 0 ? whole : whole.narrow(slice.dim, slice.range.begin, slice.range.size);
}

at::Tensor gathered(const at::Tensor& part, const Placement& placement, Communicator& group) {
  const Slice& slice = placement.slice;
  if (slice.dim < 0 || group.size() == 1) return part.clone();
  std::vector<int64_t> shape = part.sizes().vec();
  shape[static_cast<size_t>(slice.dim)] = slice.whole;
  const at::Tensor whole = at::zeros(shape, part.options());
  if (placement.counted == Counted::yes) part_of(whole, slice).copy_(part);
  group.all_reduce(whole);
  return whole;
}

}  // namespace collie
