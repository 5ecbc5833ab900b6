#include "core/formats/gguf.h"

#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>
#include <optional>

#include "core/base/error.h"
#include "core/base/json_text.h"

namespace collie {

using nlohmann::json;

namespace {

constexpr uint32_t kMagic = 0x46554747;  // "GGUF"
constexpr int kMaxNesting = 4;           // arrays of arrays; real files have one level
constexpr uint64_t kMaxName = 65'535;    // bytes of a key or of a tensor's name: the limit of the format
// Items of all arrays together: the largest tokenizers have a million and a half. Each takes 16 bytes and more here.
constexpr uint64_t kMaxItems = 8'000'000;
constexpr uint32_t kMaxDims = 4;
constexpr uint64_t kDefaultAlignment = 32;

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

[[noreturn]] void fail_format(const std::filesystem::path& path, const std::string& problem) {
  throw Error("gguf.not_gguf", path.string() + " cannot be read as GGUF: " + problem + ".",
              "Choose a GGUF file of version 2 or 3, or download this one again.", {{"path", path.string()}});
}

// Reads forward through the mapped bytes; whatever would reach beyond them is model.truncated.
class Cursor {
 public:
  Cursor(std::span<const std::byte> bytes, const std::filesystem::path& path) : bytes_(bytes), path_(path) {}

  template <typename T>
  T read(const char* what) {
    T value;
    std::memcpy(&value, take(sizeof(T), what).data(), sizeof(T));
    return value;
  }

  std::string read_name(const char* what) {
    std::string name = read_string(what);
    if (name.size() > kMaxName) fail_format(path_, std::string(what) + " has " + std::to_string(name.size()) + " bytes");
    return name;
  }

  void take_items(uint64_t count, const std::string& key) {
    if (count > kMaxItems - items_) fail_format(path_, "its arrays, up to key " + key + ", have more than " + std::to_string(kMaxItems) + " items");
    items_ += count;
  }

  std::string read_string(const char* what) {
    const auto text = take(read<uint64_t>(what), what);
    return {reinterpret_cast<const char*>(text.data()), text.size()};
  }

  uint64_t position() const { return position_; }
  uint64_t remaining() const { return bytes_.size() - position_; }
  const std::filesystem::path& path() const { return path_; }

  // A count of things of at least `min_bytes` each must fit into what is left, before a loop or an allocation trusts
  // it.
  void check_count(uint64_t count, uint64_t min_bytes, const char* what) const {
    if (count > remaining() / min_bytes) fail_truncated(std::to_string(count) + " " + what);
  }

  [[noreturn]] void fail_truncated(const std::string& what) const {
    throw Error(
        "model.truncated",
        path_.string() + " is cut off: it ends at byte " + std::to_string(bytes_.size()) + ", inside " + what + ".",
        "Download or copy this file again.", {{"path", path_.string()}});
  }

 private:
  std::span<const std::byte> take(uint64_t count, const char* what) {
    if (count > remaining()) fail_truncated(what);
    const auto part = bytes_.subspan(position_, count);
    position_ += count;
    return part;
  }

  std::span<const std::byte> bytes_;
  const std::filesystem::path& path_;
  uint64_t position_ = 0;
  uint64_t items_ = 0;  // of arrays
};

// The double whose shortest decimal is that of the float: 1e-5f is 1e-5, not 9.99999974e-06.
double widen(float value) {
  if (!std::isfinite(value)) return value;
  char text[32];
  const auto end = std::to_chars(text, text + sizeof(text), value).ptr;
  double result = value;
  std::from_chars(text, end, result);
  return result;
}

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

json read_value(Cursor& cursor, ValueType type, const std::string& key, int depth) {
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
      return widen(cursor.read<float>(what));
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
      fail_format(cursor.path(),
                  "metadata key " + key + " has the unknown type " + std::to_string(static_cast<uint32_t>(type)));
  }
  if (depth >= kMaxNesting) fail_format(cursor.path(), "metadata key " + key + " nests arrays too deeply");
  const auto item_type = static_cast<ValueType>(cursor.read<uint32_t>(what));
  const auto count = cursor.read<uint64_t>(what);
  cursor.check_count(count, min_bytes(item_type), "array items");
  cursor.take_items(count, key);
  json::array_t items;
  items.reserve(count);
  for (uint64_t i = 0; i < count; ++i) items.push_back(read_value(cursor, item_type, key, depth + 1));
  return items;
}

void check_version(Cursor& cursor) {
  if (cursor.remaining() < 24 || cursor.read<uint32_t>("the magic number") != kMagic)
    fail_format(cursor.path(), "it does not start with GGUF");
  const auto version = cursor.read<uint32_t>("the version");
  if ((version & 0xffff) == 0) fail_format(cursor.path(), "it is big-endian");
  if (version != 2 && version != 3) fail_format(cursor.path(), "its version is " + std::to_string(version));
}

// A tensor of the table, with its offset relative to the data. Its bytes are filled in once the data's beginning is
// known.
struct Entry {
  GgufTensor tensor;
  uint64_t offset = 0;
  uint64_t size = 0;
};

Entry read_entry(Cursor& cursor) {
  Entry entry;
  GgufTensor& tensor = entry.tensor;
  tensor.name = cursor.read_name("a tensor name");
  const auto n_dims = cursor.read<uint32_t>("a tensor");
  if (n_dims > kMaxDims)
    fail_format(cursor.path(), "tensor " + tensor.name + " has " + std::to_string(n_dims) + " dimensions");
  uint64_t elements = 1;
  for (uint32_t i = 0; i < n_dims; ++i) {
    const auto dim = cursor.read<uint64_t>("a tensor");
    if (dim > INT64_MAX || __builtin_mul_overflow(elements, dim, &elements))
      fail_format(cursor.path(), "tensor " + tensor.name + " has an impossible size");
    tensor.shape.insert(tensor.shape.begin(), static_cast<int64_t>(dim));
  }
  tensor.type = static_cast<GgufType>(cursor.read<uint32_t>("a tensor"));
  entry.offset = cursor.read<uint64_t>("a tensor");

  const GgufTypeInfo* info = gguf_type_info(tensor.type);
  if (!info) {
    const auto number = static_cast<uint32_t>(tensor.type);
    throw Error("gguf.unsupported_type",
                "Tensor " + tensor.name + " of " + cursor.path().string() + " has the unknown type " +
                    std::to_string(number) + ".",
                "Choose a file in F16, BF16, Q8_0, Q6_K, Q5_K, Q4_K or Q4_0.",
                {{"tensor", tensor.name}, {"type", number}});
  }
  const int64_t row = tensor.shape.empty() ? 1 : tensor.shape.back();
  if (row % info->block_elements != 0)
    fail_format(cursor.path(), "tensor " + tensor.name + " has rows of " + std::to_string(row) +
                                   ", no multiple of the " + std::to_string(info->block_elements) + " elements of a " +
                                   std::string(info->name) + " block");
  if (__builtin_mul_overflow(elements / info->block_elements, uint64_t{info->block_bytes}, &entry.size))
    fail_format(cursor.path(), "tensor " + tensor.name + " has an impossible size");
  return entry;
}

uint64_t alignment_of(const std::map<std::string, json>& metadata, const std::filesystem::path& path) {
  const auto found = metadata.find("general.alignment");
  if (found == metadata.end()) return kDefaultAlignment;
  const uint64_t value = found->second.is_number_unsigned() ? found->second.get<uint64_t>() : 0;
  if (value == 0 || value > (1u << 30) || (value & (value - 1)) != 0)
    fail_format(path, "general.alignment is " + json_text(found->second));
  return value;
}

}  // namespace

int64_t GgufTensor::elements() const {
  int64_t total = 1;
  for (const int64_t dim : shape) total *= dim;
  return total;
}

GgufFile::GgufFile(const std::filesystem::path& path) : path_(path), file_(path) {
  Cursor cursor(file_.bytes(), path_);
  check_version(cursor);
  const auto n_tensors = cursor.read<uint64_t>("the tensor count");
  const auto n_keys = cursor.read<uint64_t>("the metadata count");
  cursor.check_count(n_keys, 13, "metadata entries");
  for (uint64_t i = 0; i < n_keys; ++i) {
    const std::string key = cursor.read_name("a metadata key");
    const auto type = static_cast<ValueType>(cursor.read<uint32_t>("a metadata type"));
    if (!metadata_.emplace(key, read_value(cursor, type, key, 0)).second)
      fail_format(path_, "metadata key " + key + " occurs twice");
  }

  cursor.check_count(n_tensors, 24, "tensors");
  std::vector<Entry> entries;
  entries.reserve(n_tensors);
  for (uint64_t i = 0; i < n_tensors; ++i) entries.push_back(read_entry(cursor));

  const uint64_t alignment = alignment_of(metadata_, path_);
  const uint64_t begin = (cursor.position() + alignment - 1) / alignment * alignment;
  const uint64_t data_bytes = begin <= file_.bytes().size() ? file_.bytes().size() - begin : 0;
  for (Entry& entry : entries) {
    GgufTensor& tensor = entry.tensor;
    if (entry.offset % alignment != 0)
      fail_format(path_, "tensor " + tensor.name + " begins at " + std::to_string(entry.offset) + ", no multiple of " +
                             std::to_string(alignment));
    if (entry.size > data_bytes || entry.offset > data_bytes - entry.size)
      cursor.fail_truncated("tensor " + tensor.name);
    tensor.bytes = file_.bytes().subspan(begin + entry.offset, entry.size);
    if (!tensor_index_.emplace(tensor.name, tensors_.size()).second)
      fail_format(path_, "tensor " + tensor.name + " occurs twice");
    tensors_.push_back(std::move(tensor));
  }
}

const json* GgufFile::find(const std::string& key) const {
  const auto found = metadata_.find(key);
  return found == metadata_.end() ? nullptr : &found->second;
}

const GgufTensor* GgufFile::find_tensor(const std::string& name) const {
  const auto found = tensor_index_.find(name);
  return found == tensor_index_.end() ? nullptr : &tensors_[found->second];
}

std::string GgufFile::architecture() const {
  const json* value = find("general.architecture");
  return value && value->is_string() ? value->get<std::string>() : "";
}

}  // namespace collie
