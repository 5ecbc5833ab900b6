// Strict reading of a JSON object: every key must be asked for, every value has one type and range, nothing has a
// default. What is wrong is thrown as spec.invalid with the dotted path, the value received and, in data.issues, a
// SpecIssue.
#pragma once

#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <limits>
#include <nlohmann/json.hpp>
#include <span>
#include <set>
#include <string>
#include <utility>
#include <vector>

namespace collie {

// Reads and parses a file. Throws file.not_found, file.unreadable, spec.invalid (not JSON: with line and column).
nlohmann::json read_json_file(const std::filesystem::path& path);

// One object of a JSON document, which must outlive the reader. Use: ask for every key, read nested objects with
// object(), then call finish() on each reader; a key nobody asked for is an error (a misspelt option must not be
// ignored).
class JsonReader {
 public:
  // `path` names the object in messages ("" for the whole document). Throws spec.invalid when it is not an object.
  explicit JsonReader(const nlohmann::json& object, std::string path = "");

  bool has(const std::string& key) const;      // present, also when null
  bool is_null(const std::string& key) const;  // present and null; throws when missing

  // Required values. Integers must be written without a fraction and lie in [min, max]; numbers must be finite.
  std::string string(const std::string& key);
  bool boolean(const std::string& key);
  int64_t integer(const std::string& key, int64_t min = std::numeric_limits<int64_t>::min(),
                  int64_t max = std::numeric_limits<int64_t>::max());
  double number(const std::string& key, double min = std::numeric_limits<double>::lowest(),
                double max = std::numeric_limits<double>::max());
  std::vector<std::string> strings(const std::string& key);
  std::vector<int64_t> integers(const std::string& key);
  JsonReader object(const std::string& key);
  // Any value, marked as read: for what another part reads itself, or the engine need not look at.
  const nlohmann::json& value(const std::string& key);
  void skip(const std::string& key) { value(key); }
  // The whole object as it is: for a part that keeps what it has checked.
  const nlohmann::json& object_json() const { return *object_; }

  // A string out of a closed set, as the enum value beside it: one_of<Precision>("precision", {{"bf16",
  // Precision::bf16}, ...}).
  template <typename E>
  E one_of(const std::string& key, std::initializer_list<std::pair<const char*, E>> choices) {
    return one_of<E>(key, std::span(choices.begin(), choices.size()));
  }
  template <typename E>
  E one_of(const std::string& key, std::span<const std::pair<const char*, E>> choices) {
    const std::string text = string(key);
    std::string known;
    for (const auto& [name, choice] : choices) {
      if (text == name) return choice;
      known += (known.empty() ? "" : ", ") + std::string(name);
    }
    fail_choice(key, known, text);
  }

  // Refuses keys that were never asked for. Nested readers have their own finish().
  void finish() const;

  // Throws spec.invalid for `key` of this object: `<path>: <message>`.
  [[noreturn]] void fail(const std::string& key, const std::string& code, const std::string& message) const;

  // The same for a word that is none of `known`.
  [[noreturn]] void fail_choice(const std::string& key, const std::string& known, const std::string& received) const;

  const std::string& path() const { return path_; }

 private:
  const nlohmann::json& require(const std::string& key, const char* expected);
  std::string path_of(const std::string& key) const;

  const nlohmann::json* object_;
  std::string path_;
  std::set<std::string> read_;
};

}  // namespace collie
