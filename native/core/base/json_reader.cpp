#include "core/base/json_reader.h"

#include <cmath>
#include <fstream>
#include <sstream>

#include "core/base/error.h"
#include "core/base/json_parse.h"
#include "core/base/json_text.h"

namespace collie {

using nlohmann::json;

namespace {

constexpr size_t kMostUnknown = 20;  // keys that are named

std::string excerpt(const std::string& key) {
  const std::string text = json_text(key);
  return text.ends_with("...") ? text : key;
}

}  // namespace

json read_json_file(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    std::error_code ignored;
    if (!std::filesystem::exists(path, ignored))
      throw Error("file.not_found", "There is no file " + path.string() + ".", "Check the path.",
                  {{"path", path.string()}});
    throw Error("file.unreadable", path.string() + " cannot be opened for reading.",
                "Check the permissions of this file.", {{"path", path.string()}});
  }
  std::stringstream text;
  text << file.rdbuf();
  ParsedJson parsed = parse_json(text.view());
  if (parsed.problem.empty()) return std::move(parsed.value);
  throw Error("spec.invalid", path.string() + ": " + parsed.problem + ".", "Repair the file, or write it anew.",
              {{"path", path.string()}, {"issues", json::array()}});
}

JsonReader::JsonReader(const json& object, std::string path) : object_(&object), path_(std::move(path)) {
  if (object.is_object()) return;
  const std::string name = path_.empty() ? "The document" : path_;
  const std::string message = "must be an object, not " + json_text(object);
  const json issue = {{"path", path_},
                      {"code", "wrong_type"},
                      {"message", message},
                      {"received", json_excerpt(object)},
                      {"suggestion", ""}};
  throw Error("spec.invalid", name + ": " + message, "", {{"issues", json::array({issue})}});
}

std::string JsonReader::path_of(const std::string& key) const { return path_.empty() ? key : path_ + "." + key; }

void JsonReader::fail(const std::string& key, const std::string& code, const std::string& message) const {
  json issue = {{"path", path_of(key)}, {"code", code}, {"message", message}, {"suggestion", ""}};
  if (const auto found = object_->find(key); found != object_->end()) issue["received"] = json_excerpt(*found);
  throw Error("spec.invalid", path_of(key) + ": " + message, "", {{"issues", json::array({issue})}});
}

void JsonReader::fail_choice(const std::string& key, const std::string& known, const std::string& received) const {
  fail(key, "unknown_value", "must be one of " + known + ", not " + json_text(received));
}

bool JsonReader::has(const std::string& key) const { return object_->contains(key); }

bool JsonReader::is_null(const std::string& key) const {
  const auto found = object_->find(key);
  if (found == object_->end()) fail(key, "missing", "is missing");
  return found->is_null();
}

const json& JsonReader::require(const std::string& key, const char* expected) {
  const auto found = object_->find(key);
  if (found == object_->end()) fail(key, "missing", std::string("is missing (expected ") + expected + ")");
  read_.insert(key);
  return *found;
}

const json& JsonReader::value(const std::string& key) { return require(key, "a value"); }

std::string JsonReader::string(const std::string& key) {
  const json& found = require(key, "a string");
  if (!found.is_string()) fail(key, "wrong_type", "must be a string, not " + json_text(found));
  return found.get<std::string>();
}

bool JsonReader::boolean(const std::string& key) {
  const json& found = require(key, "true or false");
  if (!found.is_boolean()) fail(key, "wrong_type", "must be true or false, not " + json_text(found));
  return found.get<bool>();
}

int64_t JsonReader::integer(const std::string& key, int64_t min, int64_t max) {
  const json& found = require(key, "an integer");
  const bool too_big =
      found.is_number_unsigned() && found.get<uint64_t>() > uint64_t(std::numeric_limits<int64_t>::max());
  if (!found.is_number_integer() || too_big) fail(key, "wrong_type", "must be an integer, not " + json_text(found));
  const int64_t result = found.get<int64_t>();
  if (result < min || result > max)
    fail(key, "out_of_range",
         "must be between " + std::to_string(min) + " and " + std::to_string(max) + ", not " + std::to_string(result));
  return result;
}

double JsonReader::number(const std::string& key, double min, double max) {
  const json& found = require(key, "a number");
  if (!found.is_number()) fail(key, "wrong_type", "must be a number, not " + json_text(found));
  const double result = found.get<double>();
  if (!std::isfinite(result) || result < min || result > max)
    fail(key, "out_of_range",
         "must be between " + json(min).dump() + " and " + json(max).dump() + ", not " + json_text(found));
  return result;
}

std::vector<std::string> JsonReader::strings(const std::string& key) {
  const json& found = require(key, "a list of strings");
  if (!found.is_array()) fail(key, "wrong_type", "must be a list of strings, not " + json_text(found));
  for (const json& item : found)
    if (!item.is_string()) fail(key, "wrong_type", "must hold strings only, not " + json_text(item));
  return found.get<std::vector<std::string>>();
}

std::vector<int64_t> JsonReader::integers(const std::string& key) {
  const json& found = require(key, "a list of integers");
  if (!found.is_array()) fail(key, "wrong_type", "must be a list of integers, not " + json_text(found));
  for (const json& item : found)
    if (!item.is_number_integer()) fail(key, "wrong_type", "must hold integers only, not " + json_text(item));
  return found.get<std::vector<int64_t>>();
}

JsonReader JsonReader::object(const std::string& key) { return JsonReader(require(key, "an object"), path_of(key)); }

void JsonReader::finish() const {
  json issues = json::array();
  std::string unknown;
  for (const auto& [key, value] : object_->items()) {
    if (read_.contains(key)) continue;
    const std::string path = path_of(excerpt(key));
    if (issues.size() == kMostUnknown) unknown += " and more";
    if (issues.size() >= kMostUnknown) break;
    unknown += (unknown.empty() ? "" : ", ") + path;
    issues.push_back({{"path", path},
                      {"code", "unknown_key"},
                      {"message", "is not a known key"},
                      {"received", json_excerpt(value)},
                      {"suggestion", "Remove it, or check how it is spelled."}});
  }
  if (issues.empty()) return;
  throw Error("spec.invalid", unknown + ": not a known key", "Remove it, or check how it is spelled.",
              {{"issues", issues}});
}

}  // namespace collie
