// Which labels a loss is against: the batch's, or labels drawn from the model's own distribution, as the
// Gauss-Newton-Bartlett estimate of the Hessian's diagonal needs (Liu et al. 2023, Sophia, arXiv 2305.14342).
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace collie {

enum class LabelSource { batch, model };

struct Labels {
  LabelSource source = LabelSource::batch;
  uint64_t key = 0;  // LabelSource::model: draws are a pure function of it and of the row
};

// One label a row of logits [rows, V], by inverting the cumulative softmax at uniform numbers of (key, first_row + row).
// Returns int32 [rows] on the device of the logits. Allocates: for use once in many steps.
at::Tensor sample_labels(const at::Tensor& logits, uint64_t key, int64_t first_row);

}  // namespace collie
