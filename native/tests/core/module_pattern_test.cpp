// Which modules a pattern names: the cases that electron/shared/spec/module-pattern.ts is tested with as well.
#include <doctest/doctest.h>

#include "../fixtures.h"
#include "core/base/json_reader.h"
#include "core/recipe/module_pattern.h"

TEST_CASE("patterns name the modules that the host's patterns do") {
  const nlohmann::json cases = collie::read_json_file(collie::test::fixtures() / "module-patterns.json");
  REQUIRE(cases.size() > 10);
  for (const nlohmann::json& c : cases) {
    const std::string pattern = c.at("pattern"), name = c.at("name");
    CAPTURE(pattern);
    CAPTURE(name);
    CHECK(collie::matches_module(pattern, name) == c.at("matches").get<bool>());
  }
}
