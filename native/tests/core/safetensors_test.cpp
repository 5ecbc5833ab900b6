#include "core/formats/safetensors.h"

#include <doctest/doctest.h>
#include <sys/resource.h>

#include <csignal>
#include <cstring>

#include "support.h"

namespace collie {
namespace {

using test::error_of;
using test::TempFolder;

std::string file_of(const std::string& header, const std::string& data, uint64_t claimed_length = 0) {
  const uint64_t length = claimed_length ? claimed_length : header.size();
  return std::string(reinterpret_cast<const char*>(&length), 8) + header + data;
}

// code and reason of opening a file with this content
std::string fault_of(const std::string& content, StoreKind kind = StoreKind::model) {
  const TempFolder folder;
  test::write_text(folder / "x.safetensors", content);
  const auto error = error_of([&] { SafetensorsFile(folder / "x.safetensors", kind); });
  if (error["code"] == "none") return "none";
  return error["code"].get<std::string>() + " " + error["data"].value("reason", "");
}

TEST_CASE("safetensors: what the writer writes, the reader reads") {
  const TempFolder folder;
  const auto path = folder / "x.safetensors";
  const std::vector<float> a = {1, 2, 3, 4, 5, 6};
  const std::vector<uint16_t> b = {7, 8, 9};
  SafetensorsWriter writer(
      path,
      {{"b", DType::BF16, {3}}, {"a", DType::F32, {2, 3}}, {"empty", DType::F32, {0, 4}}, {"scalar", DType::F32, {}}});
  writer.write("b", std::span(b));
  writer.write_part("a", std::as_bytes(std::span(a).first(2)));
  writer.write("empty", std::span<const float>());
  writer.write("scalar", std::span(a).first(1));
  CHECK_THROWS_AS(writer.finish(), std::logic_error);  // a is not whole
  writer.write_part("a", std::as_bytes(std::span(a).subspan(2)));
  CHECK_FALSE(std::filesystem::exists(path));
  writer.finish();
  CHECK(std::filesystem::file_size(path) == writer.size_bytes());
  CHECK(test::files_in(folder.path()) == 1);

  const SafetensorsFile file(path);
  CHECK(file.tensors().size() == 4);
  CHECK(file.metadata().at("format") == "pt");
  const TensorView& read = file.at("a");
  CHECK(read.shape == std::vector<int64_t>{2, 3});
  CHECK(read.elements() == 6);
  CHECK(std::memcmp(read.bytes.data(), a.data(), read.bytes.size()) == 0);
  CHECK(reinterpret_cast<uintptr_t>(read.bytes.data()) % sizeof(float) == 0);
  CHECK(file.at("b").dtype == DType::BF16);
  CHECK(std::memcmp(file.at("b").bytes.data(), b.data(), 6) == 0);
  CHECK(file.find("none") == nullptr);
  CHECK(error_of([&] { file.at("none"); })["code"] == "model.missing_tensor");
  const std::vector<int64_t> wrong = {3, 2};
  const auto error = error_of([&] { file.at("a", wrong); });
  CHECK(error["code"] == "model.bad_tensor");
  CHECK(error["data"]["received"] == read.shape);
  CHECK(error["data"]["expected"] == wrong);
}

TEST_CASE("safetensors: a writer that does not finish leaves nothing") {
  const TempFolder folder;
  {
    SafetensorsWriter writer(folder / "x.safetensors", {{"a", DType::F32, {2}}});
    CHECK(test::files_in(folder.path()) == 1);
  }
  CHECK(test::files_in(folder.path()) == 0);
  CHECK(test::code_of([&] { SafetensorsWriter(folder / "no/such/x.safetensors", {}); }) == "file.unreadable");
}

TEST_CASE("safetensors: writer refuses what was not declared") {
  const TempFolder folder;
  SafetensorsWriter writer(folder / "x.safetensors", {{"a", DType::F32, {2}}});
  const std::vector<float> three = {1, 2, 3};
  CHECK_THROWS_AS(writer.write("b", std::span(three)), std::logic_error);
  CHECK_THROWS_AS(writer.write("a", std::span(three)), std::logic_error);
  CHECK_THROWS_AS(SafetensorsWriter(folder / "y", {{"a", DType::F32, {2}}, {"a", DType::F32, {2}}}), std::logic_error);
}

TEST_CASE("safetensors: a full disk is disk.full, and nothing is left") {
  // A limit on the size of files stands in for a full disk: the system refuses the bytes the same way.
  const TempFolder folder;
  rlimit before = {};
  getrlimit(RLIMIT_FSIZE, &before);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit limit = {4096, before.rlim_max};
  setrlimit(RLIMIT_FSIZE, &limit);
  const std::string reserved = test::code_of([&] { SafetensorsWriter(folder / "x", {{"a", DType::F32, {1 << 20}}}); });
  const std::string appended = test::code_of([&] { write_file(folder / "y", std::string(8192, 'y')); });
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  CHECK(reserved == "disk.full");
  CHECK(appended == "disk.full");
  CHECK(test::files_in(folder.path()) == 0);
}

TEST_CASE("safetensors: bad files, one error each") {
  const std::string a = R"({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}})";
  const std::string data(8, '\0');
  CHECK(fault_of(file_of(a, data)) == "none");
  CHECK(fault_of("") == "model.truncated truncated");
  CHECK(fault_of("1234567") == "model.truncated truncated");
  CHECK(fault_of(file_of(a, data, 1000)) == "model.truncated truncated");
  CHECK(fault_of(file_of(a, data.substr(1))) == "model.truncated truncated");
  CHECK(fault_of(file_of(a, data, 200'000'000)) == "model.bad_tensor header_too_large");
  CHECK(fault_of(file_of(a, data, ~uint64_t{0})) == "model.bad_tensor header_too_large");
  CHECK(fault_of(file_of("{\"a\": ", "")) == "model.bad_tensor header_invalid");
  CHECK(fault_of(file_of("[]", "")) == "model.bad_tensor header_invalid");
  CHECK(fault_of(file_of(R"({"a": 1})", "")) == "model.bad_tensor header_invalid");
  CHECK(fault_of(file_of(R"({"a": {"dtype": "F32", "shape": [-2], "data_offsets": [0, 8]}})", data)) ==
        "model.bad_tensor header_invalid");
  CHECK(fault_of(file_of(R"({"__metadata__": {"a": 1}})", "")) == "model.bad_tensor header_invalid");
  CHECK(fault_of(file_of(R"({"a": {"dtype": "Q4", "shape": [2], "data_offsets": [0, 8]}})", data)) ==
        "model.bad_tensor bad_dtype");
  CHECK(fault_of(file_of(R"({"a": {"dtype": "F32", "shape": [3], "data_offsets": [0, 8]}})", data)) ==
        "model.bad_tensor bad_shape");
  CHECK(fault_of(file_of(R"({"a": {"dtype": "F32", "shape": [4611686018427387904, 4], "data_offsets": [0, 0]}})",
                         "")) == "model.bad_tensor bad_shape");
  CHECK(fault_of(file_of(R"({"a": {"dtype": "F32", "shape": [2], "data_offsets": [8, 0]}})", data)) ==
        "model.bad_tensor bad_offsets");
  CHECK(fault_of(file_of(a, data + "rest")) == "model.bad_tensor bad_offsets");
  const std::string two =
      R"({"a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]}, "b": {"dtype": "F32", "shape": [2], "data_offsets": [%, %]}})";
  const auto placed = [&](const std::string& begin, const std::string& end) {
    std::string header = two;
    header.replace(header.find('%'), 1, begin);
    return header.replace(header.find('%'), 1, end);
  };
  CHECK(fault_of(file_of(placed("8", "16"), data + data)) == "none");
  CHECK(fault_of(file_of(placed("4", "12"), data + "1234")) == "model.bad_tensor bad_offsets");
  CHECK(fault_of(file_of(placed("0", "8"), data)) == "model.bad_tensor bad_offsets");
  CHECK(fault_of(file_of(placed("12", "20"), data + data + "1234")) == "model.bad_tensor bad_offsets");
}

TEST_CASE("safetensors: checkpoints have their own codes") {
  const TempFolder folder;
  CHECK(fault_of("", StoreKind::checkpoint) == "checkpoint.truncated truncated");
  CHECK(fault_of(file_of("[]", ""), StoreKind::checkpoint) == "checkpoint.mismatch header_invalid");
  CHECK(test::code_of([&] { SafetensorsFile(folder / "none", StoreKind::checkpoint); }) == "checkpoint.not_found");
  CHECK(test::code_of([&] { SafetensorsFile(folder / "none"); }) == "model.not_found");
}

void write_shard(const std::filesystem::path& path, const std::string& name, float value) {
  SafetensorsWriter writer(path, {{name, DType::F32, {1}}});
  writer.write(name, std::span<const float>(&value, 1));
  writer.finish();
}

TEST_CASE("model folder: shards are one map") {
  const TempFolder folder;
  CHECK(test::code_of([&] { ModelFolder{folder.path()}; }) == "model.not_found");
  write_shard(folder / "s1.safetensors", "a", 1);
  write_shard(folder / "s2.safetensors", "b", 2);
  const auto index = folder / "model.safetensors.index.json";
  test::write_text(index, R"({"weight_map": {"a": "s1.safetensors", "b": "s2.safetensors"}})");
  const ModelFolder model(folder.path());
  CHECK(model.tensors().size() == 2);
  CHECK(*reinterpret_cast<const float*>(model.at("b").bytes.data()) == 2);
  CHECK(test::code_of([&] { model.at("c"); }) == "model.missing_tensor");
  CHECK(model.stored_names() == std::vector<std::string>{"a", "b"});

  const auto with_index = [&](const std::string& text) {
    test::write_text(index, text);
    return test::code_of([&] { ModelFolder{folder.path()}; });
  };
  CHECK(with_index(R"({"weight_map": {"a": "s2.safetensors"}})") == "model.missing_tensor");
  CHECK(with_index(R"({"weight_map": {"a": "s3.safetensors"}})") == "model.not_found");
  CHECK(with_index(R"({"weight_map": {"a": "../s1.safetensors"}})") == "model.bad_config");
  CHECK(with_index(R"({"weight_map": {"a": 1}})") == "model.bad_config");
  CHECK(with_index(R"({"weight_map": {}})") == "model.bad_config");
  CHECK(with_index("[") == "model.bad_config");

  write_shard(folder / "s3.safetensors", "a", 3);
  test::write_text(index, R"({"weight_map": {"a": "s1.safetensors", "b": "s3.safetensors"}})");
  CHECK(test::code_of([&] { ModelFolder{folder.path()}; }) == "model.missing_tensor");
  SafetensorsWriter both(folder / "s3.safetensors", {{"a", DType::F32, {1}}, {"b", DType::F32, {1}}});
  const float value = 3;
  for (const char* name : {"a", "b"}) both.write(name, std::span(&value, 1));
  both.finish();
  const auto repeated = error_of([&] { ModelFolder{folder.path()}; });
  CHECK(repeated["code"] == "model.bad_tensor");
  CHECK(repeated["message"].get<std::string>().ends_with("tensor a is in s1.safetensors and in s3.safetensors."));
}

TEST_CASE("model folder: the text model among others, under the names of a folder of its own") {
  const TempFolder folder;
  const auto write = [&](const std::vector<std::string>& names) {
    std::vector<TensorSpec> specs;
    for (const std::string& name : names) specs.push_back({name, DType::F32, {1}});
    SafetensorsWriter writer(folder / "model.safetensors", specs);
    const float value = 1;
    for (const std::string& name : names) writer.write(name, std::span(&value, 1));
    writer.finish();
  };
  using Names = std::vector<std::string>;
  write({"language_model.model.norm.weight", "language_model.lm_head.weight", "vision_tower.a"});
  const ModelFolder old(folder.path());
  CHECK(old.find("model.norm.weight"));
  CHECK(old.stored_names() == Names{"lm_head.weight", "model.norm.weight"});
  CHECK(old.left_out() == Names{"vision_tower.a"});

  write({"model.language_model.norm.weight", "lm_head.weight"});  // without any other modality
  const ModelFolder alone(folder.path());
  CHECK(alone.stored_names() == Names{"lm_head.weight", "model.norm.weight"});
  CHECK(alone.left_out().empty());

  write({"language_model.model.norm.weight", "language_model.lm_head.weight", "lm_head.weight"});
  CHECK(test::code_of([&] { ModelFolder{folder.path()}; }) == "model.bad_tensor");
}

TEST_CASE("safetensors: a name that stands twice in the header") {
  const std::string a = R"("a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]})";
  CHECK(fault_of(file_of("{" + a + "," + a + "}", "1234")) == "model.bad_tensor header_invalid");
  CHECK(fault_of(file_of("{" + a + R"(,"__metadata__":{"a":"1","b":"2"}})", "1234")) == "none");
}

}  // namespace
}  // namespace collie
