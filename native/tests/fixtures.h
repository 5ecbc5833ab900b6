// Where the test fixtures are: $COLLIE_FIXTURES, or tests/fixtures of the checkout that the test was started in. No path of
// the machine that compiled stands in the program, so that it runs on another one.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <stdexcept>

namespace collie::test {

inline std::filesystem::path fixtures() {
  namespace fs = std::filesystem;
  if (const char* folder = std::getenv("COLLIE_FIXTURES")) return folder;
  for (fs::path here = fs::current_path();; here = here.parent_path()) {
    if (fs::is_directory(here / "tests" / "fixtures")) return here / "tests" / "fixtures";
    if (here == here.root_path()) break;
  }
  throw std::runtime_error(
      "No fixtures: start the test inside of the checkout, or set COLLIE_FIXTURES to its tests/fixtures folder.");
}

}  // namespace collie::test
