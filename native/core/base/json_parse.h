// JSON from outside. The library reads text of any depth, and whoever walks, copies or prints the value then overflows the stack:
// depth and size have their limits here, where text comes in.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>

namespace collie {

// Settings, headers and run files are nested about ten deep.
constexpr int kMaxJsonDepth = 64;

struct ParsedJson {
  nlohmann::json value;  // is_discarded() when there is a problem
  std::string problem;   // of the text; empty when it is JSON. Goes on after "<path>: "
};

// Of two keys of one name in an object the last counts, as in Python; unique: they are a problem.
enum class Keys { last, unique };

ParsedJson parse_json(std::string_view text, Keys keys = Keys::last);
ParsedJson parse_json(std::span<const std::byte> bytes, Keys keys = Keys::last);

}  // namespace collie
