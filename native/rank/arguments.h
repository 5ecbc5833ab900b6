// Command line arguments: `--name value` pairs after the command, nothing else, nothing ignored.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

namespace collie {

// Wrong arguments: exit code 2, with this text.
class UsageError : public std::runtime_error {
  using std::runtime_error::runtime_error;
};

class Arguments {
 public:
  // `allowed`: names without dashes; `flags`: those that take no value; `repeatable`: those that may come more than once. Throws
  // UsageError: an unknown name, one that is there twice and may not be, a missing value.
  Arguments(const std::vector<std::string>& words, const std::vector<std::string>& allowed,
            const std::vector<std::string>& flags = {}, const std::vector<std::string>& repeatable = {});

  bool has(const std::string& name) const { return values_.contains(name); }
  std::optional<std::string> find(const std::string& name) const;
  std::vector<std::string> all(const std::string& name) const;  // in the order in which they were given
  // Throws UsageError when it is missing.
  std::string required(const std::string& name) const;
  // Throws UsageError when it is no number, or outside of [min, max].
  int64_t integer(const std::string& name, int64_t fallback, int64_t min, int64_t max) const;
  // Throws UsageError unless it is one of `choices`.
  std::string choice(const std::string& name, const std::string& fallback,
                     const std::vector<std::string>& choices) const;

 private:
  std::map<std::string, std::vector<std::string>> values_;
};

}  // namespace collie
