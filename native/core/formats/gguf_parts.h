// Names of a GGUF file in parts: x-00002-of-00003.gguf.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>

namespace collie {

// Part `number` (from 1) of the file that `path` is a part of; nothing when its name is none of a part, or not of `count` parts (0: of any).
std::optional<std::filesystem::path> gguf_part(const std::filesystem::path& path, int64_t number, int64_t count = 0);

}  // namespace collie
