// Tensors to and from safetensors files.
#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "core/formats/safetensors.h"
#include "engine/peft/parameter.h"

namespace collie {

// A CPU tensor over the bytes of a mapped file: no copy unless the bytes are unaligned. Not to be written to; valid while the
// file lives.
at::Tensor as_tensor(const TensorView& view);
// The tensor's bytes on the CPU, contiguous, in its own dtype. `holder` keeps them alive.
std::span<const std::byte> bytes_of(const at::Tensor& tensor, at::Tensor& holder);

at::ScalarType scalar_type(DType dtype);
DType dtype_of_tensor(const at::Tensor& tensor);

// Writes all tensors in their own dtypes, under logical names; those that are parts of a whole with their place. Returns the size of
// the file. Throws disk.full.
int64_t write_tensors(const std::filesystem::path& path, const std::vector<NamedTensor>& tensors);

}  // namespace collie
