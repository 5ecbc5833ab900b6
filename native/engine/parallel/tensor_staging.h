// Contiguous memory for tensors on their way: their own where they are contiguous, else a buffer that is kept between calls.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace collie {

// A contiguous tensor of the same shape in `buffer`, which grows where it must; its values are not those of `tensor`.
at::Tensor stage_in(at::Tensor& buffer, const at::Tensor& tensor);
// `tensor` itself or, where it is not contiguous, its values in `buffer`.
at::Tensor contiguous_in(at::Tensor& buffer, const at::Tensor& tensor);
// Whether two contiguous tensors share memory.
bool overlap(const at::Tensor& a, const at::Tensor& b);

}  // namespace collie
