#include "core/formats/safetensors.h"

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>

#include "core/base/error.h"
#include "core/base/json_parse.h"
#include "core/base/json_text.h"
#include "core/formats/store_errors.h"

namespace collie {

using nlohmann::json;

namespace {

constexpr uint64_t kMaxHeaderBytes = 100'000'000;  // the limit of the format
constexpr size_t kMaxName = 4096;                  // bytes; names stand in messages

// Product of dimensions times `factor`, or nothing when it does not fit.
std::optional<uint64_t> checked_bytes(const std::vector<int64_t>& shape, uint64_t factor) {
  uint64_t total = factor;
  for (const int64_t dim : shape)
    if (__builtin_mul_overflow(total, static_cast<uint64_t>(dim), &total)) return std::nullopt;
  return total;
}

json parse_header(std::span<const std::byte> file, uint64_t& data_begin, const StoreErrors& faults) {
  if (file.size() < 8) faults.truncated("it has " + std::to_string(file.size()) + " bytes, not even a header length");
  uint64_t length = 0;
  std::memcpy(&length, file.data(), sizeof(length));
  if (length > kMaxHeaderBytes)
    faults.bad("header_too_large", "its header claims " + std::to_string(length) + " bytes; it is no safetensors file");
  if (length > file.size() - 8)
    faults.truncated("its header has " + std::to_string(length) + " bytes, the file " + std::to_string(file.size()));
  data_begin = 8 + length;
  ParsedJson parsed = parse_json(file.subspan(8, length), Keys::unique);
  if (!parsed.problem.empty()) faults.bad("header_invalid", "its header cannot be read: " + parsed.problem);
  if (!parsed.value.is_object()) faults.bad("header_invalid", "its header is not a JSON object");
  return std::move(parsed.value);
}

// One entry of the header as a view; checks everything that does not need the other entries.
TensorView parse_tensor(const std::string& name, const json& entry, std::span<const std::byte> data,
                        const StoreErrors& faults) {
  const auto field = [&](const char* key) -> const json& {
    if (!entry.is_object() || !entry.contains(key)) faults.bad("header_invalid", "tensor " + name + " has no " + key);
    return entry.at(key);
  };
  const auto whole_numbers = [&](const char* key) {
    const json& list = field(key);
    const auto whole = [](const json& item) { return item.is_number_unsigned() && item.get<uint64_t>() <= INT64_MAX; };
    if (!list.is_array() || !std::all_of(list.begin(), list.end(), whole))
      faults.bad("header_invalid", std::string(key) + " of tensor " + name + " is not a list of whole numbers");
    return list.get<std::vector<int64_t>>();
  };

  TensorView tensor;
  tensor.name = name;
  const json& dtype_field = field("dtype");
  const auto dtype = dtype_field.is_string() ? dtype_of(dtype_field.get<std::string>()) : std::nullopt;
  if (!dtype) faults.bad("bad_dtype", "tensor " + name + " has the unknown dtype " + json_text(dtype_field));
  tensor.dtype = *dtype;
  tensor.shape = whole_numbers("shape");

  const std::vector<int64_t> range = whole_numbers("data_offsets");
  if (range.size() != 2 || range[0] > range[1])
    faults.bad("bad_offsets", "data_offsets of tensor " + name + " are " + shape_text(range));
  const auto begin = static_cast<uint64_t>(range[0]), end = static_cast<uint64_t>(range[1]);
  if (end > data.size())
    faults.truncated("tensor " + name + " ends at byte " + std::to_string(end) + " of the data, which has " +
                     std::to_string(data.size()));
  const auto expected = checked_bytes(tensor.shape, dtype_bytes(*dtype));
  if (!expected || *expected != end - begin)
    faults.bad("bad_shape", "tensor " + name + " of shape " + shape_text(tensor.shape) + " and dtype " +
                                std::string(dtype_name(*dtype)) + " cannot have " + std::to_string(end - begin) +
                                " bytes");
  tensor.bytes = data.subspan(begin, end - begin);
  return tensor;
}

// The format forbids overlaps and holes: both mean that the header does not belong to these bytes.
void check_layout(const std::map<std::string, TensorView>& tensors, std::span<const std::byte> data,
                  const StoreErrors& faults) {
  std::vector<const TensorView*> order;
  for (const auto& [name, tensor] : tensors) order.push_back(&tensor);
  std::sort(order.begin(), order.end(), [](const TensorView* a, const TensorView* b) {
    return std::pair(a->bytes.data(), a->bytes.size()) < std::pair(b->bytes.data(), b->bytes.size());
  });
  const std::byte* expected = data.data();
  for (const TensorView* tensor : order) {
    if (tensor->bytes.data() != expected)
      faults.bad("bad_offsets",
                 "tensor " + tensor->name +
                     (tensor->bytes.data() < expected ? " overlaps the one before" : " leaves a hole before it"));
    expected += tensor->bytes.size();
  }
  const auto rest = static_cast<size_t>(data.data() + data.size() - expected);
  if (rest != 0) faults.bad("bad_offsets", std::to_string(rest) + " bytes at its end belong to no tensor");
}

MappedFile map_store(const std::filesystem::path& path, StoreKind kind) {
  try {
    return MappedFile(path);
  } catch (const Error& error) {
    if (error.code() != "file.not_found") throw;
    const StoreErrors faults{path, kind};
    throw Error(faults.code("model.not_found", "checkpoint.not_found"), error.what(), error.hint(), error.data());
  }
}

}  // namespace

int64_t TensorView::elements() const { return static_cast<int64_t>(bytes.size() / dtype_bytes(dtype)); }

SafetensorsFile::SafetensorsFile(const std::filesystem::path& path, StoreKind kind)
    : path_(path), kind_(kind), file_(map_store(path, kind)) {
  const StoreErrors faults{path_, kind_};
  uint64_t data_begin = 0;
  const json header = parse_header(file_.bytes(), data_begin, faults);
  const auto data = file_.bytes().subspan(data_begin);
  for (const auto& [name, entry] : header.items()) {
    if (name.size() > kMaxName)
      faults.bad("header_invalid", "a tensor's name has " + std::to_string(name.size()) + " bytes");
    if (name != "__metadata__") {
      tensors_.emplace(name, parse_tensor(name, entry, data, faults));
      continue;
    }
    if (!entry.is_object()) faults.bad("header_invalid", "__metadata__ is not an object");
    for (const auto& [key, value] : entry.items()) {
      if (!value.is_string()) faults.bad("header_invalid", "__metadata__." + key + " is not a string");
      metadata_.emplace(key, value.get<std::string>());
    }
  }
  check_layout(tensors_, data, faults);
}

const TensorView* SafetensorsFile::find(const std::string& name) const {
  const auto found = tensors_.find(name);
  return found == tensors_.end() ? nullptr : &found->second;
}

const TensorView& SafetensorsFile::at(const std::string& name) const {
  if (const TensorView* tensor = find(name)) return *tensor;
  StoreErrors{path_, kind_}.missing(name);
}

const TensorView& SafetensorsFile::at(const std::string& name, std::span<const int64_t> shape) const {
  const TensorView& tensor = at(name);
  StoreErrors{path_, kind_}.check_shape(tensor, shape);
  return tensor;
}

}  // namespace collie
