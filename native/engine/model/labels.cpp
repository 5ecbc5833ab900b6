#include "engine/model/labels.h"

#include <ATen/ops/cumsum.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/searchsorted.h>
#include <ATen/ops/softmax.h>

#include "core/base/random.h"

namespace collie {

at::Tensor sample_labels(const at::Tensor& logits, uint64_t key, int64_t first_row) {
  const int64_t rows = logits.size(0);
  const at::Tensor uniform = at::empty({rows, 1}, at::TensorOptions().dtype(at::kFloat));
  for (int64_t i = 0; i < rows; ++i) {
    Random random(key, static_cast<uint64_t>(first_row + i));
    uniform.mutable_data_ptr<float>()[i] = static_cast<float>(random.uniform());
  }
  const at::Tensor cumulative = at::cumsum(at::softmax(logits.to(at::kFloat), -1), -1);
  // The last sum is 1 up to rounding: scaled by it, no draw can lie beyond.
  const at::Tensor draws = at::mul(uniform.to(logits.device()), cumulative.narrow(1, logits.size(1) - 1, 1));
  return at::searchsorted(cumulative, draws, /*out_int32=*/true, /*right=*/true)
      .clamp_max(logits.size(1) - 1)
      .squeeze(1);
}

}  // namespace collie
