// The rows of one part in a tensor of the files, as a view: [rows, ...], or [blocks, rows of a block, ...] where they lie apart.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "core/model/model_names.h"

namespace collie {

inline at::Tensor file_rows(const at::Tensor& all, const RowBlocks& rows) {
  if (rows.count == 1) return all.narrow(0, rows.first, rows.block);
  std::vector<int64_t> shape = {rows.count, rows.stride};
  shape.insert(shape.end(), all.sizes().begin() + 1, all.sizes().end());
  return all.view(shape).narrow(1, rows.first, rows.block);
}

}  // namespace collie
