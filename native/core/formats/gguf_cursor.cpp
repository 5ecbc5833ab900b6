#include "core/formats/gguf_cursor.h"

#include "core/base/decimal.h"
#include "core/base/error.h"

namespace collie {

using nlohmann::json;

namespace {

constexpr int kMaxNesting = 4;         // arrays of arrays; real files have one level
constexpr uint64_t kMaxName = 65'535;  // bytes of a key or of a tensor's name: the limit of the format
// Items of all arrays together: the largest tokenizers have a million and a half. Each takes 16 bytes and more here.
constexpr uint64_t kMaxItems = 8'000'000;

enum class ValueType : uint32_t {
  u8 = 0,
  i8 = 1,
  u16 = 2,
  i16 = 3,
  u32 = 4,
  i32 = 5,
  f32 = 6,
  boolean = 7,
  string = 8,
  array = 9,
  u64 = 10,
  i64 = 11,
  f64 = 12
};

uint64_t min_bytes(ValueType type) {
  switch (type) {
    case ValueType::u8:
    case ValueType::i8:
    case ValueType::boolean:
      return 1;
    case ValueType::u16:
    case ValueType::i16:
      return 2;
    case ValueType::u32:
    case ValueType::i32:
    case ValueType::f32:
      return 4;
    case ValueType::array:
      return 12;
    default:
      return 8;
  }
}

json read_value(GgufCursor& cursor, ValueType type, const std::string& key, int depth) {
  const char* what = "a metadata value";
  switch (type) {
    case ValueType::u8:
      return cursor.read<uint8_t>(what);
    case ValueType::i8:
      return cursor.read<int8_t>(what);
    case ValueType::u16:
      return cursor.read<uint16_t>(what);
    case ValueType::i16:
      return cursor.read<int16_t>(what);
    case ValueType::u32:
      return cursor.read<uint32_t>(what);
    case ValueType::i32:
      return cursor.read<int32_t>(what);
    case ValueType::f32:
      return decimal_double(cursor.read<float>(what));
    case ValueType::boolean:
      return cursor.read<uint8_t>(what) != 0;
    case ValueType::string:
      return cursor.read_string(what);
    case ValueType::u64:
      return cursor.read<uint64_t>(what);
    case ValueType::i64:
      return cursor.read<int64_t>(what);
    case ValueType::f64:
      return cursor.read<double>(what);
    case ValueType::array:
      break;
    default:
      fail_gguf(cursor.path(),
                "metadata key " + key + " has the unknown type " + std::to_string(static_cast<uint32_t>(type)));
  }
  if (depth >= kMaxNesting) fail_gguf(cursor.path(), "metadata key " + key + " nests arrays too deeply");
  const auto item_type = static_cast<ValueType>(cursor.read<uint32_t>(what));
  const auto count = cursor.read<uint64_t>(what);
  cursor.check_count(count, min_bytes(item_type), "array items");
  cursor.take_items(count, key);
  json::array_t items;
  items.reserve(count);
  for (uint64_t i = 0; i < count; ++i) items.push_back(read_value(cursor, item_type, key, depth + 1));
  return items;
}

}  // namespace

void fail_gguf(const std::filesystem::path& path, const std::string& problem) {
  throw Error("gguf.not_gguf", path.string() + " cannot be read as GGUF: " + problem + ".",
              "Choose a GGUF file of version 2 or 3, or download this one again.", {{"path", path.string()}});
}

std::string GgufCursor::read_name(const char* what) {
  std::string name = read_string(what);
  if (name.size() > kMaxName) fail_gguf(path_, std::string(what) + " has " + std::to_string(name.size()) + " bytes");
  return name;
}

void GgufCursor::take_items(uint64_t count, const std::string& key) {
  if (count > kMaxItems - items_)
    fail_gguf(path_, "its arrays, up to key " + key + ", have more than " + std::to_string(kMaxItems) + " items");
  items_ += count;
}

std::string GgufCursor::read_string(const char* what) {
  const auto text = take(read<uint64_t>(what), what);
  return {reinterpret_cast<const char*>(text.data()), text.size()};
}

void GgufCursor::check_count(uint64_t count, uint64_t min_bytes, const char* what) const {
  if (count > remaining() / min_bytes) fail_truncated(std::to_string(count) + " " + what);
}

void GgufCursor::fail_truncated(const std::string& what) const {
  throw Error(
      "model.truncated",
      path_.string() + " is cut off: it ends at byte " + std::to_string(bytes_.size()) + ", inside " + what + ".",
      "Download or copy this file again.", {{"path", path_.string()}});
}

std::span<const std::byte> GgufCursor::take(uint64_t count, const char* what) {
  if (count > remaining()) fail_truncated(what);
  const auto part = bytes_.subspan(position_, count);
  position_ += count;
  return part;
}

json read_gguf_value(GgufCursor& cursor, const std::string& key) {
  const auto type = static_cast<ValueType>(cursor.read<uint32_t>("a metadata type"));
  return read_value(cursor, type, key, 0);
}

}  // namespace collie
