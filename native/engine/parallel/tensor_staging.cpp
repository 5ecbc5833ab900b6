#include "engine/parallel/tensor_staging.h"

#include <ATen/ATen.h>

namespace collie {

at::Tensor stage_in(at::Tensor& buffer, const at::Tensor& tensor) {
  const auto n_bytes = static_cast<int64_t>(tensor.nbytes());
  if (!buffer.defined() || buffer.numel() < n_bytes)
    buffer = at::empty({n_bytes}, at::TensorOptions().dtype(at::kByte).device(tensor.device()));
  return buffer.narrow(0, 0, n_bytes).view(tensor.scalar_type()).view(tensor.sizes());
}

at::Tensor contiguous_in(at::Tensor& buffer, const at::Tensor& tensor) {
  if (tensor.is_contiguous()) return tensor;
  at::Tensor staged = stage_in(buffer, tensor);
  staged.copy_(tensor);
  return staged;
}

bool overlap(const at::Tensor& a, const at::Tensor& b) {
  const auto* a_begin = static_cast<const char*>(a.const_data_ptr());
  const auto* b_begin = static_cast<const char*>(b.const_data_ptr());
  return a_begin < b_begin + b.nbytes() && b_begin < a_begin + a.nbytes();
}

}  // namespace collie
