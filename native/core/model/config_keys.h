// Typed access to the keys of a config.json; a null counts as absent, as in transformers. Errors name key, value and what was expected.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

namespace collie::config_keys {

using nlohmann::json;

constexpr int64_t kMaxWidth = 1 << 22;       // of layers: keeps every product of sizes inside 64 bits
constexpr int64_t kMost = int64_t{1} << 40;  // of positions: far beyond any model

// model.bad_config.
[[noreturn]] void fail_config(const std::string& key, const std::string& problem, const json& received = nullptr);
// model.unsupported_feature.
[[noreturn]] void fail_feature(const std::string& key, const json& value, const std::string& supported);

const json* present(const json& object, const char* key);  // null: absent
int64_t integer(const json& object, const char* key, int64_t min, int64_t max);
int64_t integer(const json& object, const char* key, int64_t min, int64_t max, int64_t fallback);
double positive(const json& object, const char* key);
double positive(const json& object, const char* key, double fallback);
bool flag(const json& object, const char* key, bool fallback);
std::string text(const json& object, const char* key, const std::string& fallback);

}  // namespace collie::config_keys
