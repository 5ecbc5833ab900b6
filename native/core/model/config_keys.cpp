#include "core/model/config_keys.h"

#include <cmath>

#include "core/base/error.h"
#include "core/base/json_text.h"

namespace collie::config_keys {

void fail_config(const std::string& key, const std::string& problem, const json& received) {
  throw Error("model.bad_config", "config.json: " + key + " " + problem + ".",
              "Check that config.json belongs to this model.", {{"key", key}, {"received", received}});
}

void fail_feature(const std::string& key, const json& value, const std::string& supported) {
  throw Error("model.unsupported_feature",
              "config.json: " + key + " = " + json_text(value) + " is not supported (supported: " + supported + ").",
              "Choose another model.", {{"key", key}, {"received", value}});
}

const json* present(const json& object, const char* key) {
  const auto found = object.find(key);
  return found == object.end() || found->is_null() ? nullptr : &*found;
}

int64_t integer(const json& object, const char* key, int64_t min, int64_t max) {
  const json* value = present(object, key);
  if (!value) fail_config(key, "is missing");
  const bool whole = value->is_number_integer() && !(value->is_number_unsigned() && value->get<uint64_t>() > INT64_MAX);
  if (!whole || value->get<int64_t>() < min || value->get<int64_t>() > max)
    fail_config(key,
                "must be a whole number from " + std::to_string(min) + " to " + std::to_string(max) + ", not " +
                    json_text(*value),
                *value);
  return value->get<int64_t>();
}

int64_t integer(const json& object, const char* key, int64_t min, int64_t max, int64_t fallback) {
  return present(object, key) ? integer(object, key, min, max) : fallback;
}

double positive(const json& object, const char* key) {
  const json* value = present(object, key);
  if (!value) fail_config(key, "is missing");
  if (!value->is_number() || !std::isfinite(value->get<double>()) || value->get<double>() <= 0)
    fail_config(key, "must be a number above 0, not " + json_text(*value), *value);
  return value->get<double>();
}

double positive(const json& object, const char* key, double fallback) {
  return present(object, key) ? positive(object, key) : fallback;
}

bool flag(const json& object, const char* key, bool fallback) {
  const json* value = present(object, key);
  if (!value) return fallback;
  if (!value->is_boolean()) fail_config(key, "must be true or false, not " + json_text(*value), *value);
  return value->get<bool>();
}

std::string text(const json& object, const char* key, const std::string& fallback) {
  const json* value = present(object, key);
  if (!value) return fallback;
  if (!value->is_string()) fail_config(key, "must be a text, not " + json_text(*value), *value);
  return value->get<std::string>();
}

}  // namespace collie::config_keys
