#include "core/formats/gguf_parts.h"

#include <cstdio>
#include <regex>
#include <string>

namespace collie {

std::optional<std::filesystem::path> gguf_part(const std::filesystem::path& path, int64_t number, int64_t count) {
  static const std::regex kName("(.*)-[0-9]{5}-of-([0-9]{5})(\\.[gG][gG][uU][fF])");
  std::smatch match;
  const std::string name = path.filename().string();
  if (!std::regex_match(name, match, kName) || (count != 0 && std::stoll(match[2]) != count)) return std::nullopt;
  char digits[24];
  std::snprintf(digits, sizeof(digits), "%05lld", static_cast<long long>(number));
  return path.parent_path() / (match[1].str() + "-" + digits + "-of-" + match[2].str() + match[3].str());
}

}  // namespace collie
