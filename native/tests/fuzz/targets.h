// Parsers of files that others make, each fed with bytes. A target returns the code of the error that the bytes were refused with, or
// "read"; anything else that a parser does (another exception, a message without end, what the sanitizers see) ends the process.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

namespace collie::fuzz {

using Bytes = std::span<const std::byte>;

struct Target {
  const char* name;
  std::string (*read)(Bytes bytes);
  std::vector<std::string> (*seeds)();  // beside those that are kept in seeds/<name>
};

std::span<const Target> targets();

}  // namespace collie::fuzz
