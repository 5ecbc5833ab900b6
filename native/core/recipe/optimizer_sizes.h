// Sizes that both the memory forecast and the update rules go by.
#pragma once

#include <cstdint>

namespace collie {

// 8-bit states: values that share a scale, tensors that are too small for them, and blocks worked on at once.
inline constexpr int64_t k8bitBlock = 256;
inline constexpr int64_t kSmallest8bit = 4096;
inline constexpr int64_t k8bitBlocksAtOnce = 512;

}  // namespace collie
