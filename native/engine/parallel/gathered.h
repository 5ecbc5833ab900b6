// From parts to wholes and back.
#pragma once

#include <ATen/core/Tensor.h>

#include "engine/parallel/placement.h"

namespace collie {

// The logical tensor on every rank, from the parts that the ranks of a group hold; shares may be uneven. A new tensor in the format of
// the part, fp32 or bf16.
at::Tensor gathered(const at::Tensor& part, const Placement& placement, Communicator& group);
// The view of a whole tensor that a slice names.
at::Tensor part_of(const at::Tensor& whole, const Slice& slice);

}  // namespace collie
