#include "core/model/gguf_keys.h"

#include <cmath>

#include "core/base/error.h"
#include "core/base/json_text.h"

namespace collie::gguf_keys {

using nlohmann::json;

void fail_key(const std::string& key, const std::string& problem) {
  throw Error("model.bad_config", "GGUF metadata: " + key + " " + problem + ".", "Choose another file of this model.",
              {{"key", key}});
}

void fail_feature(const std::string& what) {
  throw Error("model.unsupported_feature", "This GGUF file has " + what + ", which is not supported.",
              "Choose another model, or its Hugging Face folder.", {{"feature", what}});
}

int64_t integer(const GgufFile& file, const std::string& key, std::optional<int64_t> fallback) {
  const json* value = file.find(key);
  if (!value && fallback) return *fallback;
  if (!value) fail_key(key, "is missing");
  if (value->is_array()) fail_feature("layers of different shapes (" + key + " is a list)");
  if (!value->is_number_integer() || value->get<int64_t>() < 0)
    fail_key(key, "is " + json_text(*value) + ", not a whole number");
  return value->get<int64_t>();
}

double number(const GgufFile& file, const std::string& key, std::optional<double> fallback) {
  const json* value = file.find(key);
  if (!value && fallback) return *fallback;
  if (!value) fail_key(key, "is missing");
  if (!value->is_number() || !std::isfinite(value->get<double>()))
    fail_key(key, "is " + json_text(*value) + ", not a number");
  return value->get<double>();
}

}  // namespace collie::gguf_keys
