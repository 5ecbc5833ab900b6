// The element types of GGUF tensors: how many elements a block has and how many bytes it takes (ggml's numbering).
#pragma once

#include <cstdint>
#include <string_view>

namespace collie {

// Values are the type numbers of the file format. Types that have no name here are known by size only.
enum class GgufType : uint32_t {
  F32 = 0,
  F16 = 1,
  Q4_0 = 2,
  Q4_1 = 3,
  Q5_0 = 6,
  Q5_1 = 7,
  Q8_0 = 8,
  Q2_K = 10,
  Q3_K = 11,
  Q4_K = 12,
  Q5_K = 13,
  Q6_K = 14,
  IQ2_XXS = 16,
  IQ2_XS = 17,
  IQ3_XXS = 18,
  IQ1_S = 19,
  IQ4_NL = 20,
  IQ3_S = 21,
  IQ2_S = 22,
  IQ4_XS = 23,
  IQ1_M = 29,
  BF16 = 30,
};

struct GgufTypeInfo {
  uint32_t number;
  std::string_view name;
  uint32_t block_elements;
  uint32_t block_bytes;
};

// nullptr: not a type of the format as we know it.
const GgufTypeInfo* gguf_type_info(GgufType type);

}  // namespace collie
