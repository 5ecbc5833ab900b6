#include "engine/checkpoint/tensor_io.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>

#include <cstring>
#include <nlohmann/json.hpp>

#include "core/base/error.h"

namespace collie {

at::ScalarType scalar_type(DType dtype) {
  switch (dtype) {
    case DType::F32:
      return at::kFloat;
    case DType::BF16:
      return at::kBFloat16;
    case DType::F16:
      return at::kHalf;
    case DType::F64:
      return at::kDouble;
    case DType::I64:
      return at::kLong;
    case DType::I32:
      return at::kInt;
    case DType::I16:
      return at::kShort;
    case DType::I8:
      return at::kChar;
    case DType::U8:
      return at::kByte;
    case DType::BOOL:
      return at::kBool;
    default:
      throw Error("model.bad_tensor", "Tensors of type " + std::string(dtype_name(dtype)) + " are not supported.");
  }
}

DType dtype_of_tensor(const at::Tensor& tensor) {
  switch (tensor.scalar_type()) {
    case at::kFloat:
      return DType::F32;
    case at::kBFloat16:
      return DType::BF16;
    case at::kHalf:
      return DType::F16;
    case at::kByte:
      return DType::U8;
    default:
      throw std::logic_error("only tensors of floats or bytes are stored");
  }
}

at::Tensor as_tensor(const TensorView& view) {
  const auto options = at::TensorOptions().dtype(scalar_type(view.dtype)).device(at::kCPU);
  const bool aligned = reinterpret_cast<uintptr_t>(view.bytes.data()) % dtype_bytes(view.dtype) == 0;
  if (aligned) return at::from_blob(const_cast<std::byte*>(view.bytes.data()), view.shape, options);
  at::Tensor copy = at::empty(view.shape, options);
  std::memcpy(copy.data_ptr(), view.bytes.data(), view.bytes.size());
  return copy;
}

std::span<const std::byte> bytes_of(const at::Tensor& tensor, at::Tensor& holder) {
  holder = tensor.to(at::kCPU).contiguous();
  return {static_cast<const std::byte*>(holder.const_data_ptr()), static_cast<size_t>(holder.nbytes())};
}

int64_t write_tensors(const std::filesystem::path& path, const std::vector<NamedTensor>& tensors) {
  std::vector<TensorSpec> specs;
  nlohmann::json slices = nlohmann::json::object();
  for (const auto& [name, tensor, slice, sole] : tensors) {
    specs.push_back({name, dtype_of_tensor(tensor), tensor.sizes().vec()});
    if (slice.dim >= 0) slices[name] = {slice.dim, slice.range.begin, slice.whole};
  }
  std::map<std::string, std::string> metadata = {{"format", "pt"}};
  if (!slices.empty()) metadata["slices"] = slices.dump();
  SafetensorsWriter writer(path, std::move(specs), metadata);
  for (const auto& [name, tensor, slice, sole] : tensors) {
    at::Tensor holder;
    writer.write(name, bytes_of(tensor, holder));
  }
  writer.finish();
  return static_cast<int64_t>(writer.size_bytes());
}

}  // namespace collie
