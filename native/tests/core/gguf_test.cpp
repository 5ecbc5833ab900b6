#include "core/formats/gguf.h"

#include <doctest/doctest.h>

#include <bit>
#include <limits>

#include "core/base/float_bits.h"
#include "core/formats/gguf_dequantize.h"
#include "gguf_builder.h"
#include "support.h"

namespace collie {
namespace {

using test::Bytes;
using test::GgufBuilder;
using test::TempFolder;

std::string code_of_file(const std::string& content) {
  const TempFolder folder;
  test::write_text(folder / "x.gguf", content);
  return test::code_of([&] { GgufFile(folder / "x.gguf"); });
}

// `name`: two fixtures of one name, eleven types each.
void check_types(const std::string& name) {
  const GgufFile file(test::fixture("gguf/" + name + ".gguf"));
  const auto expected = test::read_values<uint32_t>(test::fixture("gguf/" + name + ".f32"));
  REQUIRE(file.tensors().size() == 11);
  size_t at = 0;
  for (const GgufTensor& tensor : file.tensors()) {
    CAPTURE(tensor.name);
    REQUIRE(can_dequantize(tensor.type));
    CHECK(tensor.name == "t." + std::string(gguf_type_info(tensor.type)->name));
    CHECK(tensor.shape == std::vector<int64_t>{3, 512});
    std::vector<float> values(static_cast<size_t>(tensor.elements()));
    gguf_dequantize(tensor.type, tensor.bytes, values);
    REQUIRE(at + values.size() <= expected.size());
    size_t different = 0;
    for (const float value : values) different += std::bit_cast<uint32_t>(value) != expected[at++];
    CHECK(different == 0);
  }
  CHECK(at == expected.size());
}

TEST_CASE("gguf: every type gives the values of the reference package, bit for bit") {
  SUBCASE("plain, legacy and K types") { check_types("types"); }
  SUBCASE("few bits: Q2_K, Q3_K and the IQ types") { check_types("types-low"); }
}

TEST_CASE("gguf: types without a converter are known by name") {
  CHECK_FALSE(can_dequantize(static_cast<GgufType>(34)));
  CHECK(gguf_type_info(static_cast<GgufType>(34))->name == "TQ1_0");
  CHECK(gguf_type_info(static_cast<GgufType>(4)) == nullptr);
}

TEST_CASE("float bits: half and bfloat16 at their edges") {
  CHECK(half_to_float(0x3c00) == 1.0f);
  CHECK(half_to_float(0x0001) == 0x1.0p-24f);
  CHECK(half_to_float(0x83ff) == -0x3ffp-24f);
  CHECK(half_to_float(0x7bff) == 65504.0f);
  CHECK(half_to_float(0xfc00) == -std::numeric_limits<float>::infinity());
  CHECK(half_to_float(0x7e00) != half_to_float(0x7e00));
  CHECK(std::bit_cast<uint32_t>(half_to_float(0x8000)) == 0x80000000u);
  CHECK(float_to_bfloat16(1.0f) == 0x3f80);
  CHECK(float_to_bfloat16(std::bit_cast<float>(0x3f808000u)) == 0x3f80);  // a tie goes to even
  CHECK(float_to_bfloat16(std::bit_cast<float>(0x3f818000u)) == 0x3f82);
  CHECK(float_to_bfloat16(std::bit_cast<float>(0x3f808001u)) == 0x3f81);
  CHECK(float_to_bfloat16(std::numeric_limits<float>::max()) == 0x7f80);
  const float nan = bfloat16_to_float(float_to_bfloat16(std::bit_cast<float>(0x7f800001u)));
  CHECK(nan != nan);
}

TEST_CASE("gguf: metadata of every type") {
  const TempFolder folder;
  GgufBuilder builder;
  builder.key("u8", 0, Bytes().put<uint8_t>(200).text()).key("i8", 1, Bytes().put<int8_t>(-3).text());
  builder.key("u16", 2, Bytes().put<uint16_t>(60000).text()).key("i16", 3, Bytes().put<int16_t>(-5).text());
  builder.key("i32", 5, Bytes().put<int32_t>(-7).text()).key("bool", 7, Bytes().put<uint8_t>(1).text());
  builder.key("u64", 10, Bytes().put<uint64_t>(1ull << 60).text()).key("i64", 11, Bytes().put<int64_t>(-9).text());
  builder.key("f64", 12, Bytes().put(0.25).text()).real("f32", 1e-5f).text("s", "x\0y").number("u32", 4);
  builder.key("list", 9, Bytes().put<uint32_t>(8).put<uint64_t>(2).put_string("a").put_string("b").text());
  test::write_text(folder / "x.gguf", builder.build());
  const GgufFile file(folder / "x.gguf");
  CHECK(*file.find("u8") == 200);
  CHECK(*file.find("i8") == -3);
  CHECK(*file.find("u16") == 60000);
  CHECK(*file.find("i16") == -5);
  CHECK(*file.find("i32") == -7);
  CHECK(*file.find("bool") == true);
  CHECK(*file.find("u64") == 1ull << 60);
  CHECK(*file.find("i64") == -9);
  CHECK(*file.find("f64") == 0.25);
  CHECK(*file.find("f32") == 1e-5);
  CHECK(*file.find("list") == nlohmann::json({"a", "b"}));
  CHECK(file.find("none") == nullptr);
  CHECK(file.architecture().empty());
}

TEST_CASE("gguf: files that are none") {
  CHECK(code_of_file("") == "gguf.not_gguf");
  CHECK(code_of_file(std::string(100, 'x')) == "gguf.not_gguf");
  GgufBuilder builder;
  CHECK(code_of_file(builder.build()) == "none");
  builder.version = 1;
  CHECK(code_of_file(builder.build()) == "gguf.not_gguf");
  builder.version = 0x03000000;
  CHECK(code_of_file(builder.build()) == "gguf.not_gguf");
}

TEST_CASE("gguf: hostile counts and lengths do not cost memory or leave the file") {
  GgufBuilder many_keys, many_tensors;
  many_keys.extra_keys = ~uint64_t{0};
  many_tensors.extra_tensors = uint64_t{1} << 62;
  CHECK(code_of_file(many_keys.build()) == "model.truncated");
  CHECK(code_of_file(many_tensors.build()) == "model.truncated");
  const auto with_value = [](uint32_t type, const std::string& value) {
    return code_of_file(GgufBuilder().key("k", type, value).build());
  };
  CHECK(with_value(8, Bytes().put<uint64_t>(~0ull).text()) == "model.truncated");
  CHECK(with_value(9, Bytes().put<uint32_t>(4).put<uint64_t>(~0ull).text()) == "model.truncated");
  CHECK(with_value(9, Bytes().put<uint32_t>(0).put<uint64_t>(1ull << 40).text()) == "model.truncated");
  CHECK(with_value(99, "") == "gguf.not_gguf");
  CHECK(with_value(9, Bytes().put<uint32_t>(99).put<uint64_t>(1).put<uint64_t>(0).text()) == "gguf.not_gguf");
  std::string nested;
  for (int depth = 0; depth < 1000; ++depth) nested += Bytes().put<uint32_t>(9).put<uint64_t>(1).text();
  CHECK(with_value(9, nested) == "gguf.not_gguf");
  CHECK(code_of_file(GgufBuilder().number("a", 1).number("a", 2).build()) == "gguf.not_gguf");
}

TEST_CASE("gguf: tensors that cannot be") {
  const auto with_tensor = [](const std::vector<uint64_t>& dims, uint32_t type, const std::string& data,
                              int64_t offset = -1) {
    return code_of_file(GgufBuilder().tensor("t", dims, type, data, offset).build());
  };
  const std::string row(128, '\0');  // 32 floats
  CHECK(with_tensor({32}, 0, row) == "none");
  CHECK(with_tensor({33}, 0, row) == "model.truncated");
  CHECK(with_tensor({32}, 0, row, 32) == "model.truncated");
  CHECK(with_tensor({32}, 0, row, 1) == "gguf.not_gguf");
  CHECK(with_tensor({32}, 0, row, std::numeric_limits<int64_t>::max() / 32 * 32) == "model.truncated");
  CHECK(with_tensor({1ull << 40, 1ull << 40}, 0, row) == "gguf.not_gguf");
  CHECK(with_tensor({~0ull}, 0, row) == "gguf.not_gguf");
  CHECK(with_tensor({1ull << 62}, 0, row) == "gguf.not_gguf");
  CHECK(with_tensor({1, 1, 1, 1, 1}, 0, row) == "gguf.not_gguf");
  CHECK(with_tensor({31}, 2, row) == "gguf.not_gguf");
  CHECK(with_tensor({32}, 77, row) == "gguf.unsupported_type");
  CHECK(code_of_file(GgufBuilder().floats("t", {1}, {1}).floats("t", {1}, {1}).build()) == "gguf.not_gguf");
  CHECK(code_of_file(GgufBuilder().number("general.alignment", 0).build()) == "gguf.not_gguf");
  CHECK(code_of_file(GgufBuilder().number("general.alignment", 48).build()) == "gguf.not_gguf");
  CHECK(code_of_file(GgufBuilder().text("general.alignment", "\xff\xfe").build()) == "gguf.not_gguf");  // no UTF-8
}

TEST_CASE("gguf: cut off anywhere, it is an error and no crash") {
  const std::string whole = test::read_text(test::fixture("gguf/tiny-llama.gguf"));
  for (size_t size = 0; size < whole.size(); size += size < 2000 ? 7 : 997) {
    const std::string code = code_of_file(whole.substr(0, size));
    CHECK_MESSAGE((code == "model.truncated" || code == "gguf.not_gguf"), size, " bytes: ", code);
  }
}

TEST_CASE("gguf: changed bytes are an error or another file, never a crash") {
  const std::string whole = test::read_text(test::fixture("gguf/types.gguf"));
  for (size_t at = 0; at < 900; ++at) {
    for (const char value : {'\0', '\x7f', '\xff'}) {
      std::string changed = whole;
      changed[at] = value;
      const std::string code = code_of_file(changed);
      CHECK(
          (code == "none" || code == "model.truncated" || code == "gguf.not_gguf" || code == "gguf.unsupported_type"));
    }
  }
}

// Part `number` (from 0) of three, with one tensor.
std::string part(uint32_t number, uint32_t count = 3, uint32_t tensors = 3) {
  GgufBuilder builder;
  if (number == 0) builder.text("general.architecture", "llama");
  builder.number("split.no", number).number("split.count", count).number("split.tensors.count", tensors);
  const std::string name = std::string("t").append(std::to_string(number));
  return builder.floats(name, {2}, {static_cast<float>(number), 9}).build();
}

std::filesystem::path write_parts(const TempFolder& folder, const std::vector<std::string>& parts) {
  for (size_t i = 0; i < parts.size(); ++i)
    if (!parts[i].empty()) test::write_text(folder / ("x-0000" + std::to_string(i + 1) + "-of-00003.gguf"), parts[i]);
  return folder / "x-00001-of-00003.gguf";
}

TEST_CASE("gguf: a file in parts is one, by the name of any part") {
  const TempFolder folder;
  const auto first = write_parts(folder, {part(0), part(1), part(2)});
  for (const auto& path : {first, folder / "x-00003-of-00003.gguf"}) {
    const GgufFile file(path);
    CHECK(file.path() == first);
    CHECK(file.architecture() == "llama");
    REQUIRE(file.tensors().size() == 3);
    std::vector<float> values(2);
    gguf_dequantize(GgufType::F32, file.find_tensor("t2")->bytes, values);
    CHECK(values == std::vector<float>{2, 9});
  }
}

TEST_CASE("gguf: parts that do not belong together, or are not there") {
  const auto code = [](const std::vector<std::string>& parts) {
    const TempFolder folder;
    const auto first = write_parts(folder, parts);
    return test::code_of([&] { GgufFile{first}; });
  };
  CHECK(code({part(0), "", part(2)}) == "model.missing_tensor");
  CHECK(code({part(0), part(2), part(1)}) == "gguf.not_gguf");
  CHECK(code({part(0), part(1, 2), part(2)}) == "gguf.not_gguf");
  CHECK(code({part(0, 3, 7), part(1), part(2)}) == "gguf.not_gguf");
  CHECK(code({part(0, 4000), part(1), part(2)}) == "gguf.not_gguf");
  CHECK(code({part(0, 2), part(1), part(2)}) == "model.missing_tensor");
  CHECK(code({part(0), part(1).substr(0, 60), part(2)}) == "model.truncated");
}

}  // namespace
}  // namespace collie
