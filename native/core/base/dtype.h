// Element types of stored tensors: those of the safetensors format.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace collie {

enum class DType : uint8_t { BOOL, U8, I8, F8_E4M3, F8_E5M2, I16, U16, F16, BF16, I32, U32, F32, I64, U64, F64 };

// Name as in a safetensors header: "BF16", "F32", ...
std::string_view dtype_name(DType dtype);
std::optional<DType> dtype_of(std::string_view name);
// Bytes of one element.
size_t dtype_bytes(DType dtype);

}  // namespace collie
