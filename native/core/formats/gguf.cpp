#include "core/formats/gguf.h"

#include "core/base/error.h"
#include "core/base/json_text.h"
#include "core/formats/gguf_cursor.h"
#include "core/formats/gguf_parts.h"

namespace collie {

using nlohmann::json;

namespace {

constexpr uint32_t kMagic = 0x46554747;  // "GGUF"
constexpr uint32_t kMaxDims = 4;
constexpr uint64_t kDefaultAlignment = 32;
constexpr int64_t kMaxParts = 1000;

void check_version(GgufCursor& cursor) {
  if (cursor.remaining() < 24 || cursor.read<uint32_t>("the magic number") != kMagic)
    fail_gguf(cursor.path(), "it does not start with GGUF");
  const auto version = cursor.read<uint32_t>("the version");
  if ((version & 0xffff) == 0) fail_gguf(cursor.path(), "it is big-endian");
  if (version != 2 && version != 3) fail_gguf(cursor.path(), "its version is " + std::to_string(version));
}

// A tensor of the table, with its offset relative to the data. Its bytes are filled in once the data's beginning is
// known.
struct Entry {
  GgufTensor tensor;
  uint64_t offset = 0;
  uint64_t size = 0;
};

Entry read_entry(GgufCursor& cursor) {
  Entry entry;
  GgufTensor& tensor = entry.tensor;
  tensor.name = cursor.read_name("a tensor name");
  const auto n_dims = cursor.read<uint32_t>("a tensor");
  if (n_dims > kMaxDims)
    fail_gguf(cursor.path(), "tensor " + tensor.name + " has " + std::to_string(n_dims) + " dimensions");
  uint64_t elements = 1;
  for (uint32_t i = 0; i < n_dims; ++i) {
    const auto dim = cursor.read<uint64_t>("a tensor");
    if (dim > INT64_MAX || __builtin_mul_overflow(elements, dim, &elements))
      fail_gguf(cursor.path(), "tensor " + tensor.name + " has an impossible size");
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
    fail_gguf(cursor.path(), "tensor " + tensor.name + " has rows of " + std::to_string(row) + ", no multiple of the " +
                                 std::to_string(info->block_elements) + " elements of a " + std::string(info->name) +
                                 " block");
  if (__builtin_mul_overflow(elements / info->block_elements, uint64_t{info->block_bytes}, &entry.size))
    fail_gguf(cursor.path(), "tensor " + tensor.name + " has an impossible size");
  return entry;
}

uint64_t alignment_of(const std::map<std::string, json>& metadata, const std::filesystem::path& path) {
  const auto found = metadata.find("general.alignment");
  if (found == metadata.end()) return kDefaultAlignment;
  const uint64_t value = found->second.is_number_unsigned() ? found->second.get<uint64_t>() : 0;
  if (value == 0 || value > (1u << 30) || (value & (value - 1)) != 0)
    fail_gguf(path, "general.alignment is " + json_text(found->second));
  return value;
}

int64_t whole_number(const std::map<std::string, json>& metadata, const char* key, int64_t otherwise) {
  const auto found = metadata.find(key);
  return found != metadata.end() && found->second.is_number_integer() ? found->second.get<int64_t>() : otherwise;
}

}  // namespace

int64_t GgufTensor::elements() const {
  int64_t total = 1;
  for (const int64_t dim : shape) total *= dim;
  return total;
}

GgufFile::GgufFile(const std::filesystem::path& path) : path_(gguf_part(path, 1).value_or(path)) {
  read_part(path_, metadata_);
  read_other_parts();
}

void GgufFile::read_part(const std::filesystem::path& path, std::map<std::string, json>& metadata) {
  const MappedFile& file = parts_.emplace_back(path);
  GgufCursor cursor(file.bytes(), path);
  check_version(cursor);
  const auto n_tensors = cursor.read<uint64_t>("the tensor count");
  const auto n_keys = cursor.read<uint64_t>("the metadata count");
  cursor.check_count(n_keys, 13, "metadata entries");
  for (uint64_t i = 0; i < n_keys; ++i) {
    const std::string key = cursor.read_name("a metadata key");
    if (!metadata.emplace(key, read_gguf_value(cursor, key)).second)
      fail_gguf(path, "metadata key " + key + " occurs twice");
  }

  cursor.check_count(n_tensors, 24, "tensors");
  std::vector<Entry> entries;
  entries.reserve(n_tensors);
  for (uint64_t i = 0; i < n_tensors; ++i) entries.push_back(read_entry(cursor));

  const uint64_t alignment = alignment_of(metadata, path);
  const uint64_t begin = (cursor.position() + alignment - 1) / alignment * alignment;
  const uint64_t data_bytes = begin <= file.bytes().size() ? file.bytes().size() - begin : 0;
  for (Entry& entry : entries) {
    GgufTensor& tensor = entry.tensor;
    if (entry.offset % alignment != 0)
      fail_gguf(path, "tensor " + tensor.name + " begins at " + std::to_string(entry.offset) + ", no multiple of " +
                          std::to_string(alignment));
    if (entry.size > data_bytes || entry.offset > data_bytes - entry.size)
      cursor.fail_truncated("tensor " + tensor.name);
    tensor.bytes = file.bytes().subspan(begin + entry.offset, entry.size);
    if (!tensor_index_.emplace(tensor.name, tensors_.size()).second)
      fail_gguf(path, "tensor " + tensor.name + " occurs twice");
    tensors_.push_back(std::move(tensor));
  }
}

void GgufFile::read_other_parts() {
  const int64_t count = whole_number(metadata_, "split.count", 1);
  if (count > kMaxParts) fail_gguf(path_, "it says to have " + std::to_string(count) + " parts");
  for (int64_t number = 2; number <= count; ++number) {
    const auto part = gguf_part(path_, number, count);
    const std::string of = "part " + std::to_string(number) + " of " + std::to_string(count);
    if (!part || !std::filesystem::exists(*part))
      throw Error("model.missing_tensor",
                  path_.string() + ": " + of + (part ? ", " + part->filename().string() + "," : "") + " is not there.",
                  "Put all parts of the file into one folder, under the names that they were downloaded with.",
                  {{"path", path_.string()}});
    std::map<std::string, json> metadata;
    read_part(*part, metadata);
    if (whole_number(metadata, "split.no", -1) != number - 1 || whole_number(metadata, "split.count", -1) != count)
      fail_gguf(*part, "it is not " + of + " of a GGUF file");
  }
  const auto tensors = static_cast<int64_t>(tensors_.size());
  const int64_t announced = whole_number(metadata_, "split.tensors.count", tensors);
  if (count > 1 && announced != tensors)
    fail_gguf(path_,
              "its parts have " + std::to_string(tensors) + " tensors, announced are " + std::to_string(announced));
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
