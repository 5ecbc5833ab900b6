#include "core/formats/safetensors.h"

#include <algorithm>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "core/base/error.h"
#include "core/base/json_parse.h"
#include "core/base/json_text.h"

namespace collie {

using nlohmann::json;

namespace {

constexpr uint64_t kMaxHeaderBytes = 100'000'000;  // the limit of the format
constexpr size_t kMaxName = 4096;                  // bytes; names stand in messages

// Errors of one file, in the codes of its kind.
struct Faults {
  const std::filesystem::path& path;
  StoreKind kind;

  const char* code(const char* of_model, const char* of_checkpoint) const {
    return kind == StoreKind::model ? of_model : of_checkpoint;
  }
  std::string hint() const {
    return kind == StoreKind::model ? "Download or copy this file again." : "Resume from another checkpoint.";
  }
  [[noreturn]] void truncated(const std::string& problem) const {
    throw Error(code("model.truncated", "checkpoint.truncated"), path.string() + " is cut off: " + problem + ".",
                hint(), {{"path", path.string()}, {"reason", "truncated"}});
  }
  [[noreturn]] void bad(const char* reason, const std::string& problem) const {
    throw Error(code("model.bad_tensor", "checkpoint.mismatch"), path.string() + ": " + problem + ".", hint(),
                {{"path", path.string()}, {"reason", reason}});
  }
};

std::string shape_text(std::span<const int64_t> shape) {
  return json(std::vector<int64_t>(shape.begin(), shape.end())).dump();
}

// Product of dimensions times `factor`, or nothing when it does not fit.
std::optional<uint64_t> checked_bytes(const std::vector<int64_t>& shape, uint64_t factor) {
  uint64_t total = factor;
  for (const int64_t dim : shape)
    if (__builtin_mul_overflow(total, static_cast<uint64_t>(dim), &total)) return std::nullopt;
  return total;
}

json parse_header(std::span<const std::byte> file, uint64_t& data_begin, const Faults& faults) {
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
                        const Faults& faults) {
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
                  const Faults& faults) {
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

[[noreturn]] void fail_missing(const std::filesystem::path& path, StoreKind kind, const std::string& name) {
  const Faults faults{path, kind};
  throw Error(faults.code("model.missing_tensor", "checkpoint.mismatch"),
              path.string() + " has no tensor " + name + ".",
              kind == StoreKind::model ? "The weights do not fit config.json: check that both belong to the same model."
                                       : faults.hint(),
              {{"path", path.string()}, {"tensor", name}});
}

void check_shape(const std::filesystem::path& path, StoreKind kind, const TensorView& tensor,
                 std::span<const int64_t> shape) {
  if (std::ranges::equal(tensor.shape, shape)) return;
  const Faults faults{path, kind};
  throw Error(faults.code("model.bad_tensor", "checkpoint.mismatch"),
              path.string() + ": tensor " + tensor.name + " has shape " + shape_text(tensor.shape) + ", expected " +
                  shape_text(shape) + ".",
              kind == StoreKind::model ? "The weights do not fit config.json: check that both belong to the same model."
                                       : faults.hint(),
              {{"path", path.string()},
               {"tensor", tensor.name},
               {"reason", "unexpected_shape"},
               {"received", tensor.shape},
               {"expected", std::vector<int64_t>(shape.begin(), shape.end())}});
}

MappedFile map_store(const std::filesystem::path& path, StoreKind kind) {
  try {
    return MappedFile(path);
  } catch (const Error& error) {
    if (error.code() != "file.not_found") throw;
    const Faults faults{path, kind};
    throw Error(faults.code("model.not_found", "checkpoint.not_found"), error.what(), error.hint(), error.data());
  }
}

}  // namespace

int64_t TensorView::elements() const { return static_cast<int64_t>(bytes.size() / dtype_bytes(dtype)); }

SafetensorsFile::SafetensorsFile(const std::filesystem::path& path, StoreKind kind)
    : path_(path), kind_(kind), file_(map_store(path, kind)) {
  const Faults faults{path_, kind_};
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
  fail_missing(path_, kind_, name);
}

const TensorView& SafetensorsFile::at(const std::string& name, std::span<const int64_t> shape) const {
  const TensorView& tensor = at(name);
  check_shape(path_, kind_, tensor, shape);
  return tensor;
}

namespace {

// shard name -> tensors the index puts there
std::map<std::string, std::vector<std::string>> read_index(const std::filesystem::path& path) {
  const auto fail = [&](const std::string& problem) {
    throw Error("model.bad_config", path.string() + ": " + problem + ".", "Download or copy this file again.",
                {{"path", path.string()}});
  };
  const MappedFile file(path);
  const ParsedJson parsed = parse_json(file.bytes());
  if (!parsed.problem.empty()) fail(parsed.problem);
  const json& index = parsed.value;
  if (!index.is_object() || !index.contains("weight_map") || !index["weight_map"].is_object())
    fail("it has no weight_map");
  std::map<std::string, std::vector<std::string>> shards;
  for (const auto& [tensor, shard] : index["weight_map"].items()) {
    const std::string name = shard.is_string() ? shard.get<std::string>() : "";
    // A shard lies beside its index: anything else could reach out of the folder.
    if (name.empty() || name.find('/') != std::string::npos || name.find('\0') != std::string::npos || name == ".." ||
        name == ".")
      fail("shard " + json_text(shard) + " is not a file name");
    shards[name].push_back(tensor);
  }
  if (shards.empty()) fail("its weight_map is empty");
  return shards;
}

}  // namespace

namespace {

// Names of a text model among others, before and since transformers 4.52; longest first.
constexpr std::pair<std::string_view, std::string_view> kTextPrefixes[] = {{"model.language_model.", "model."},
                                                                           {"language_model.model.", "model."},
                                                                           {"language_model.lm_head.", "lm_head."},
                                                                           {"lm_head.", "lm_head."}};

// The name in a folder of the text model alone; nothing: of another modality.
std::optional<std::string> text_name(std::string_view name) {
  for (const auto& [prefix, alone] : kTextPrefixes)
    if (name.starts_with(prefix)) return std::string(alone) + std::string(name.substr(prefix.size()));
  return std::nullopt;
}

bool is_among_others(std::string_view name) {
  return name.starts_with("model.language_model.") || name.starts_with("language_model.model.");
}

}  // namespace

ModelFolder::ModelFolder(const std::filesystem::path& folder) : folder_(folder) {
  const auto single = folder / "model.safetensors", index = folder / "model.safetensors.index.json";
  std::error_code ignored;
  if (std::filesystem::exists(single, ignored)) {
    files_.push_back(std::make_unique<SafetensorsFile>(single));
    tensors_ = files_.back()->tensors();
    keep_text_model();
    return;
  }
  if (!std::filesystem::exists(index, ignored))
    throw Error("model.not_found",
                folder.string() + " holds neither model.safetensors nor model.safetensors.index.json.",
                "Point to a folder in Hugging Face layout with safetensors weights.", {{"path", folder.string()}});
  for (const auto& [shard, names] : read_index(index)) {
    files_.push_back(std::make_unique<SafetensorsFile>(folder / shard));
    for (const std::string& name : names) tensors_.emplace(name, files_.back()->at(name));
  }
  refuse_repeated();
  keep_text_model();
}

void ModelFolder::keep_text_model() {
  among_others_ = std::ranges::any_of(tensors_, [](const auto& tensor) { return is_among_others(tensor.first); });
  if (!among_others_) return;
  std::map<std::string, TensorView> text;
  for (const auto& [name, view] : tensors_) {
    const std::optional<std::string> alone = text_name(name);
    if (!alone) {
      left_out_.push_back(name);
      continue;
    }
    TensorView renamed = view;
    renamed.name = *alone;
    if (!text.emplace(*alone, renamed).second)
      throw Error("model.bad_tensor", folder_.string() + ": tensor " + *alone + " is there under two names.",
                  "Download or copy the folder again.",
                  {{"path", folder_.string()}, {"tensor", *alone}, {"reason", "repeated"}});
  }
  tensors_ = std::move(text);
}

// Which of two would count depends on the order in which a program reads the shards.
void ModelFolder::refuse_repeated() const {
  std::map<std::string, const SafetensorsFile*> seen;
  for (const auto& file : files_)
    for (const auto& [name, tensor] : file->tensors()) {
      const auto [first, added] = seen.emplace(name, file.get());
      if (added) continue;
      const std::string one = first->second->path().filename().string(), other = file->path().filename().string();
      throw Error("model.bad_tensor",
                  folder_.string() + ": tensor " + name + " is in " + one + " and in " + other + ".",
                  "The shards are of two models or two versions. Download or copy the folder again.",
                  {{"path", folder_.string()}, {"tensor", name}, {"reason", "repeated"}});
    }
}

std::vector<std::string> ModelFolder::stored_names() const {
  const std::set<std::string> others(left_out_.begin(), left_out_.end());
  std::vector<std::string> names;
  for (const auto& file : files_)
    for (const auto& [name, tensor] : file->tensors())
      if (!others.contains(name)) names.push_back(among_others_ ? text_name(name).value_or(name) : name);
  return names;
}

const TensorView* ModelFolder::find(const std::string& name) const {
  const auto found = tensors_.find(name);
  return found == tensors_.end() ? nullptr : &found->second;
}

const TensorView& ModelFolder::at(const std::string& name) const {
  if (const TensorView* tensor = find(name)) return *tensor;
  fail_missing(folder_, StoreKind::model, name);
}

const TensorView& ModelFolder::at(const std::string& name, std::span<const int64_t> shape) const {
  const TensorView& tensor = at(name);
  check_shape(folder_, StoreKind::model, tensor, shape);
  return tensor;
}

uint64_t ModelFolder::size_bytes() const {
  uint64_t total = 0;
  for (const auto& file : files_) total += file->size_bytes();
  return total;
}

}  // namespace collie
