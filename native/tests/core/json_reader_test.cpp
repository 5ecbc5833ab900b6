#include "core/base/json_reader.h"

#include <doctest/doctest.h>

#include "support.h"

namespace collie {
namespace {

using nlohmann::json;
using test::error_of;

// Path and code of the first issue of what `work` throws.
template <typename F>
std::string issue_of(F&& work) {
  const json error = error_of(work);
  if (error["code"] != "spec.invalid") return error["code"];
  const json& issue = error["data"]["issues"][0];
  return issue["path"].get<std::string>() + " " + issue["code"].get<std::string>();
}

enum class Color { red, green };

TEST_CASE("json reader: values of the right type") {
  const json document = json::parse(R"({"s": "x", "b": true, "i": 7, "n": 0.5, "list": ["a", "b"], "ints": [1, 2],
                                        "o": {"c": "green"}, "none": null})");
  JsonReader reader(document);
  CHECK(reader.string("s") == "x");
  CHECK(reader.boolean("b"));
  CHECK(reader.integer("i", 0, 7) == 7);
  CHECK(reader.number("n") == 0.5);
  CHECK(reader.number("i") == 7.0);
  CHECK(reader.strings("list") == std::vector<std::string>{"a", "b"});
  CHECK(reader.integers("ints") == std::vector<int64_t>{1, 2});
  JsonReader nested = reader.object("o");
  CHECK(nested.one_of<Color>("c", {{"red", Color::red}, {"green", Color::green}}) == Color::green);
  nested.finish();
  CHECK(reader.has("none"));
  CHECK(reader.is_null("none"));
  CHECK_FALSE(reader.has("absent"));
  reader.skip("none");
  reader.finish();
}

TEST_CASE("json reader: every fault names its path") {
  const json document = json::parse(
      R"({"a": {"s": 1, "i": 1.5, "big": 18446744073709551615, "n": "1", "c": "blue", "list": [1], "r": 9}})");
  JsonReader root(document);
  JsonReader reader = root.object("a");
  CHECK(issue_of([&] { reader.string("s"); }) == "a.s wrong_type");
  CHECK(issue_of([&] { reader.integer("i"); }) == "a.i wrong_type");
  CHECK(issue_of([&] { reader.integer("big"); }) == "a.big wrong_type");
  CHECK(issue_of([&] { reader.number("n"); }) == "a.n wrong_type");
  CHECK(issue_of([&] { reader.integer("r", 0, 8); }) == "a.r out_of_range");
  CHECK(issue_of([&] { reader.number("r", 0, 8); }) == "a.r out_of_range");
  CHECK(issue_of([&] { reader.strings("list"); }) == "a.list wrong_type");
  CHECK(issue_of([&] { reader.boolean("absent"); }) == "a.absent missing");
  CHECK(issue_of([&] { reader.is_null("absent"); }) == "a.absent missing");
  CHECK(issue_of([&] { reader.object("s"); }) == "a.s wrong_type");
  CHECK(issue_of([&] { reader.one_of<Color>("c", {{"red", Color::red}}); }) == "a.c unknown_value");
}

TEST_CASE("json reader: values that fill pages are shown by their beginning") {
  const std::string endless(40'000, '{');
  const json document = {{"c", endless}, {"s", json::array({endless})}, {endless, 1}};
  JsonReader reader(document, "");
  const auto short_enough = [](const json& error) { return error.dump().size() < 1'000; };
  CHECK(short_enough(error_of([&] { reader.one_of<Color>("c", {{"red", Color::red}}); })));
  CHECK(short_enough(error_of([&] { reader.integer("s"); })));
  CHECK(short_enough(error_of([&] { reader.finish(); })));
}

TEST_CASE("json reader: keys nobody asked for are refused, all together") {
  const json document = json::parse(R"({"known": 1, "typo": 2, "other": 3})");
  JsonReader reader(document, "spec");
  reader.integer("known");
  const json error = error_of([&] { reader.finish(); });
  CHECK(error["code"] == "spec.invalid");
  REQUIRE(error["data"]["issues"].size() == 2);
  CHECK(error["data"]["issues"][0]["path"] == "spec.other");
  CHECK(error["data"]["issues"][1]["path"] == "spec.typo");
  CHECK(error["data"]["issues"][1]["code"] == "unknown_key");
}

TEST_CASE("json reader: files that are missing or no JSON") {
  const test::TempFolder folder;
  CHECK(test::code_of([&] { read_json_file(folder / "none.json"); }) == "file.not_found");
  test::write_text(folder / "bad.json", "{\"a\": ");
  CHECK(test::code_of([&] { read_json_file(folder / "bad.json"); }) == "spec.invalid");
  test::write_text(folder / "good.json", "{\"a\": 1}");
  CHECK(read_json_file(folder / "good.json")["a"] == 1);
}

}  // namespace
}  // namespace collie
