// Files that are made to harm who reads them: nesting that overflows stacks, sizes that fill memory.
#include <doctest/doctest.h>

#include "core/base/json_parse.h"
#include "core/base/json_reader.h"
#include "core/formats/events.h"
#include "core/formats/gguf.h"
#include "core/formats/safetensors.h"
#include "core/model/model_config.h"
#include "gguf_builder.h"
#include "support.h"

namespace collie {
namespace {

using test::code_of;
using test::error_of;
using test::TempFolder;

std::string nested(size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); }

std::string safetensors_of(const std::string& header) {
  const uint64_t length = header.size();
  return std::string(reinterpret_cast<const char*>(&length), sizeof length) + header;
}

TEST_CASE("json: depth has a limit, brackets in strings do not count") {
  CHECK(parse_json(nested(64)).problem.empty());
  for (const size_t depth : {65u, 5'000u, 1'000'000u})
    CHECK(parse_json(nested(depth)).problem == "it is nested more than 64 deep");
  CHECK(parse_json("{\"a\": \"" + std::string(100, '[') + "\\\"" + std::string(100, '{') + "\"}").problem.empty());
  for (const char* number : {"1e999", "[-1e999]", "{\"a\": 1e400}"})
    CHECK(parse_json(number).problem.find("it is not JSON (number overflow") ==
          0);  // Python reads infinity; the library throws another kind of error
  const std::string broken = parse_json("[\"" + std::string(1'000'000, 'x')).problem;
  CHECK(broken.starts_with("it is not JSON"));
  CHECK(broken.size() < 400);
}

TEST_CASE("nesting without end is refused by name: config.json, a safetensors header, an index, a spec") {
  const TempFolder folder;
  const std::string deep = nested(100'000);
  test::write_text(folder / "config.json", "{\"rope_scaling\": " + deep + "}");
  CHECK(code_of([&] { ModelConfig::load(folder.path()); }) == "model.bad_config");
  CHECK(code_of([&] { read_json_file(folder / "config.json"); }) == "spec.invalid");
  for (const std::string& header :
       {deep, "{\"t\": {\"dtype\": " + deep + "}}", "{\"__metadata__\": {\"a\": " + deep + "}}"}) {
    test::write_text(folder / "x.safetensors", safetensors_of(header));
    CHECK(code_of([&] { SafetensorsFile(folder / "x.safetensors"); }) == "model.bad_tensor");
  }
  test::write_text(folder / "model.safetensors.index.json", "{\"weight_map\": {\"a\": " + deep + "}}");
  CHECK(code_of([&] { ModelFolder(folder.path()); }) == "model.bad_config");
}

TEST_CASE("a shard that is no file name is refused, also one with a NUL") {
  const TempFolder folder;
  for (const char* shard : {"../x", "..", ".", "", "a\\u0000b"}) {
    test::write_text(folder / "model.safetensors.index.json",
                     std::string("{\"weight_map\": {\"a\": \"") + shard + "\"}}");
    CHECK(code_of([&] { ModelFolder(folder.path()); }) == "model.bad_config");
  }
}

TEST_CASE("names as long as files are refused without repeating them") {
  const TempFolder folder;
  const std::string name(1'000'000, 'x');
  test::write_text(folder / "x.safetensors", safetensors_of("{\"" + name + "\": 1}"));
  const auto error = error_of([&] { SafetensorsFile(folder / "x.safetensors"); });
  CHECK(error["code"] == "model.bad_tensor");
  CHECK(error.dump().size() < 1000);
}

TEST_CASE("two writers of one events file: the second is refused by name, and the run folder is not made anew") {
  const TempFolder folder;
  {
    EventWriter first(folder.path(), 0);
    first.write(0, "phase", {{"name", "training"}, {"progress", nullptr}});
    const auto error = error_of([&] { EventWriter(folder.path(), 0); });
    CHECK(error["code"] == "run.not_resumable");
    EventWriter other(folder.path(), 1);
    first.write(0, "phase", {{"name", "training"}, {"progress", nullptr}});
  }
  CHECK(EventWriter(folder.path(), 0).next_seq() == 2);
  CHECK(code_of([&] { EventWriter(folder / "gone", 0); }) == "run.not_found");
  CHECK_FALSE(std::filesystem::exists(folder / "gone"));
}

}  // namespace
}  // namespace collie
