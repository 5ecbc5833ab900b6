// Specs of older versions: the cases that electron/shared/spec/migrate.ts is tested with as well.
#include "core/recipe/spec_version.h"

#include <doctest/doctest.h>

#include "../fixtures.h"
#include "core/base/error.h"
#include "core/base/json_reader.h"

namespace collie {

TEST_CASE("a spec of an older version says the same in the words of the newest") {
  const nlohmann::json cases = read_json_file(test::fixtures() / "spec-versions.json");
  REQUIRE(cases.size() >= 4);
  for (const nlohmann::json& c : cases) {
    CAPTURE(c.at("of").get<std::string>());
    CHECK(newest_spec(c.at("old")) == c.at("new"));
  }
}

TEST_CASE("micro-batches that ranks could not share are refused, as they were") {
  const nlohmann::json odd = {
      {"schemaVersion", 1}, {"batch", {{"grad_accum_steps", 6}}}, {"parallel", {{"dp_size", 4}}}};
  CHECK_THROWS_AS(newest_spec(odd), Error);
}

TEST_CASE("what is newer, or no spec, comes back as it is") {
  for (const nlohmann::json& other : {nlohmann::json{{"schemaVersion", 3}}, nlohmann::json::array(), nlohmann::json{}})
    CHECK(newest_spec(other) == other);
}

}  // namespace collie
