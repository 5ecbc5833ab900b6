#include "core/base/error_line.h"

#include <cstdio>
#include <string>

namespace collie {

void print_error(const Error& error) {
  const std::string line =
      nlohmann::json{{"error", error.to_json()}}.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
  std::fwrite(line.data(), 1, line.size(), stderr);
  std::fflush(stderr);
}

}  // namespace collie
