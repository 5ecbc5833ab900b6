#include "rank/arguments.h"

#include <algorithm>
#include <charconv>

namespace collie {

namespace {

bool contains(const std::vector<std::string>& names, const std::string& name) {
  return std::ranges::find(names, name) != names.end();
}

std::string joined(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
  return text;
}

}  // namespace

Arguments::Arguments(const std::vector<std::string>& words, const std::vector<std::string>& allowed,
                     const std::vector<std::string>& flags, const std::vector<std::string>& repeatable) {
  for (size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    const std::string name = word.starts_with("--") ? word.substr(2) : "";
    const bool is_flag = contains(flags, name);
    if (!is_flag && !contains(allowed, name)) throw UsageError("unknown argument \"" + word + "\"");
    if (values_.contains(name) && !contains(repeatable, name)) throw UsageError(word + " was given twice");
    if (!is_flag && i + 1 == words.size()) throw UsageError(word + " needs a value");
    values_[name].push_back(is_flag ? "" : words[++i]);
  }
}

std::optional<std::string> Arguments::find(const std::string& name) const {
  const auto found = values_.find(name);
  return found == values_.end() ? std::nullopt : std::optional(found->second.front());
}

std::vector<std::string> Arguments::all(const std::string& name) const {
  const auto found = values_.find(name);
  return found == values_.end() ? std::vector<std::string>() : found->second;
}

std::string Arguments::required(const std::string& name) const {
  if (auto value = find(name)) return *value;
  throw UsageError("--" + name + " is missing");
}

int64_t Arguments::integer(const std::string& name, int64_t fallback, int64_t min, int64_t max) const {
  const auto text = find(name);
  if (!text) return fallback;
  int64_t value = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (error != std::errc() || end != text->data() + text->size() || value < min || value > max)
    throw UsageError("--" + name + " must be a whole number between " + std::to_string(min) + " and " +
                     std::to_string(max) + ", not \"" + *text + "\"");
  return value;
}

std::string Arguments::choice(const std::string& name, const std::string& fallback,
                              const std::vector<std::string>& choices) const {
  const std::string value = find(name).value_or(fallback);
  if (!contains(choices, value))
    throw UsageError("--" + name + " must be one of " + joined(choices) + ", not \"" + value + "\"");
  return value;
}

}  // namespace collie
