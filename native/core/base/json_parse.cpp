#include "core/base/json_parse.h"

#include <algorithm>
#include <set>
#include <vector>

#include "core/base/json_text.h"

namespace collie {

using nlohmann::json;

namespace {

// How deep lists and objects are nested, strings left out; counts on through text that is no JSON.
int depth_of(std::string_view text) {
  int depth = 0, deepest = 0;
  bool in_string = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      deepest = std::max(deepest, ++depth);
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return deepest;
}

// The library's message without its number in brackets, and without the whole of a long token.
std::string reason_of(const json::exception& error) {
  std::string text = error.what();
  if (const size_t end = text.find("] "); end != std::string::npos) text = text.substr(end + 2);
  if (text.size() > 200) text = text.substr(0, 200) + "...";
  return "it is not JSON (" + text + ")";
}

// Parses, and gives the first key that an object has twice; empty: there is none.
json parse_unique(std::string_view text, std::string& repeated) {
  std::vector<std::set<std::string>> open;
  return json::parse(text, [&](int, json::parse_event_t event, json& value) {
    if (event == json::parse_event_t::object_start) open.emplace_back();
    if (event == json::parse_event_t::object_end) open.pop_back();
    if (event == json::parse_event_t::key && !open.back().insert(value.get<std::string>()).second && repeated.empty())
      repeated = json_text(value);
    return true;
  });
}

}  // namespace

ParsedJson parse_json(std::string_view text, Keys keys) {
  const json none(json::value_t::discarded);
  if (depth_of(text) > kMaxJsonDepth)
    return {none, "it is nested more than " + std::to_string(kMaxJsonDepth) + " deep"};
  try {
    if (keys == Keys::last) return {json::parse(text), ""};
    std::string repeated;
    json value = parse_unique(text, repeated);
    if (!repeated.empty()) return {none, "it has " + repeated + " twice"};
    return {std::move(value), ""};
  } catch (const json::exception& error) {  // parse_error, or out_of_range for a number like 1e999
    return {none, reason_of(error)};
  }
}

ParsedJson parse_json(std::span<const std::byte> bytes, Keys keys) {
  return parse_json(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()), keys);
}

}  // namespace collie
