// From the block formats of GGUF to fp32, in the order of operations of the reference package, so that results are equal bit for bit.
#pragma once

#include <cstddef>
#include <span>

#include "core/formats/gguf_types.h"

namespace collie {

// F32, F16, BF16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0, Q4_K, Q5_K, Q6_K.
bool can_dequantize(GgufType type);

// `blocks` are whole blocks of `type`, `values` their elements. The type must be one of the above (assert).
void gguf_dequantize(GgufType type, std::span<const std::byte> blocks, std::span<float> values);

}  // namespace collie
