// Typed access to the metadata of a GGUF file. Errors name key and value.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "core/formats/gguf.h"

namespace collie::gguf_keys {

// model.bad_config.
[[noreturn]] void fail_key(const std::string& key, const std::string& problem);
// model.unsupported_feature.
[[noreturn]] void fail_feature(const std::string& what);
int64_t integer(const GgufFile& file, const std::string& key, std::optional<int64_t> fallback = std::nullopt);
double number(const GgufFile& file, const std::string& key, std::optional<double> fallback = std::nullopt);

}  // namespace collie::gguf_keys
