// A JSON value as it is shown in a message.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace collie {

// Whole when short, else its beginning. Bytes that are no UTF-8 are shown as U+FFFD instead of throwing: values may
// come from files of anyone's making.
inline std::string json_text(const nlohmann::json& value) {
  std::string text = value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  if (text.size() <= 80) return text;
  size_t end = 77;
  while ((static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;  // not inside a character
  return text.substr(0, end) + "...";
}

// The value itself for an error's data, or the text above in place of one that would fill pages.
inline nlohmann::json json_excerpt(const nlohmann::json& value) {
  const std::string text = json_text(value);
  return text.ends_with("...") ? nlohmann::json(text) : value;
}

}  // namespace collie
