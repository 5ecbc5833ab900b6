#include "engine/checkpoint/sharded_tensors.h"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "core/base/json_parse.h"
#include "engine/checkpoint/tensor_io.h"
#include "engine/parallel/gathered.h"

namespace collie {

namespace fs = std::filesystem;

namespace {

constexpr const char* kNext = "Resume from another checkpoint.";

std::vector<fs::path> files_of(const fs::path& folder, const std::string& stem) {
  if (fs::exists(folder / (stem + ".safetensors"))) return {folder / (stem + ".safetensors")};
  std::vector<fs::path> files;
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, ignored)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with(stem + ".rank-") && name.ends_with(".safetensors")) files.push_back(entry.path());
  }
  std::ranges::sort(files);
  // None: the name of the single file is what the message is to say.
  return files.empty() ? std::vector<fs::path>{folder / (stem + ".safetensors")} : files;
}

[[noreturn]] void fail_slices(const SafetensorsFile& file) {
  throw Error("checkpoint.truncated", "The slices of " + file.path().string() + " cannot be read.", kNext,
              {{"path", file.path().string()}});
}

nlohmann::json slices_of(const SafetensorsFile& file) {
  const auto found = file.metadata().find("slices");
  if (found == file.metadata().end()) return nlohmann::json::object();
  ParsedJson slices = parse_json(found->second);
  if (slices.value.is_object()) return std::move(slices.value);
  fail_slices(file);
}

Slice slice_of(const nlohmann::json& slices, const TensorView& view, const SafetensorsFile& file) {
  const auto found = slices.find(view.name);
  if (found == slices.end()) return {};
  const auto whole_number = [](const nlohmann::json& item) { return item.is_number_integer(); };
  if (!found->is_array() || found->size() != 3 || !std::ranges::all_of(*found, whole_number)) fail_slices(file);
  const auto dim = found->at(0).get<int64_t>(), begin = found->at(1).get<int64_t>(),
             whole = found->at(2).get<int64_t>();
  if (dim < 0 || dim >= static_cast<int64_t>(view.shape.size())) fail_slices(file);
  const int64_t size = view.shape[static_cast<size_t>(dim)];
  if (begin < 0 || whole < size || begin > whole - size) fail_slices(file);
  return {dim, {begin, size}, whole};
}

[[noreturn]] void not_fitting(const std::string& name, const std::string& where) {
  throw Error("checkpoint.mismatch", "The parts of tensor " + name + " in " + where + " do not fit together.", kNext,
              {{"tensor", name}});
}

}  // namespace

ShardedTensors::ShardedTensors(const fs::path& folder, const std::string& stem) : where_((folder / stem).string()) {
  const auto checksums = std::make_shared<const Checksums>(Checksums::of_folder(folder));
  for (const fs::path& path : files_of(folder, stem)) {
    of_ranks_ = path.filename() != stem + ".safetensors";
    files_.push_back(std::make_unique<SafetensorsFile>(path, StoreKind::checkpoint));
    checks_.push_back(std::make_unique<FileCheck>(checksums, path));
    add(*files_.back(), checks_.back().get());
  }
  for (auto& [name, tensor] : tensors_) check_whole(tensor);
}

void ShardedTensors::add(const SafetensorsFile& file, const FileCheck* check) {
  const nlohmann::json slices = slices_of(file);
  for (const auto& [name, view] : file.tensors()) {
    const Slice slice = slice_of(slices, view, file);
    std::vector<int64_t> whole = view.shape;
    if (slice.dim >= 0) whole.at(static_cast<size_t>(slice.dim)) = slice.whole;
    StoredTensor& tensor = tensors_.try_emplace(name, StoredTensor{name, view.dtype, whole, {}}).first->second;
    if (tensor.dtype != view.dtype || tensor.shape != whole) not_fitting(name, where_);
    tensor.pieces.push_back({slice, &view, check});
  }
}

void ShardedTensors::check_whole(StoredTensor& tensor) const {
  std::ranges::sort(tensor.pieces, {}, [](const StoredTensor::Piece& piece) { return piece.slice.range.begin; });
  int64_t next = 0;
  const int64_t dim = tensor.pieces.front().slice.dim;
  for (const auto& [slice, view, file] : tensor.pieces) {
    if (slice.dim != dim) not_fitting(tensor.name, where_);
    if (dim < 0) continue;
    if (slice.range.begin > next) break;
    next = std::max(next, slice.range.end());
  }
  if (dim < 0 || next == tensor.pieces.front().slice.whole) return;
  throw Error("checkpoint.truncated",
              "Tensor " + tensor.name + " of " + where_ + " is not complete: the part from " + std::to_string(next) +
                  " on is in no file. The file of a rank is missing.",
              kNext, {{"tensor", tensor.name}, {"path", where_}});
}

const StoredTensor* ShardedTensors::find(const std::string& name) const {
  const auto found = tensors_.find(name);
  return found == tensors_.end() ? nullptr : &found->second;
}

const StoredTensor& ShardedTensors::at(const std::string& name) const {
  if (const StoredTensor* tensor = find(name)) return *tensor;
  if (of_ranks_)
    throw Error("checkpoint.truncated",
                "No file of " + where_ + ".rank-*.safetensors has tensor " + name + "; " +
                    std::to_string(files_.size()) + " are there. The file of a rank is missing.",
                kNext, {{"tensor", name}, {"path", where_}});
  throw Error("checkpoint.mismatch", where_ + " has no tensor " + name + ".",
              "This checkpoint was made by another run: choose one of this run.", {{"tensor", name}, {"path", where_}});
}

const StoredTensor& ShardedTensors::at(const std::string& name, std::span<const int64_t> shape) const {
  const StoredTensor& tensor = at(name);
  if (std::ranges::equal(tensor.shape, shape)) return tensor;
  throw Error("checkpoint.mismatch",
              "Tensor " + name + " of " + where_ + " has shape " + nlohmann::json(tensor.shape).dump() + ", expected " +
                  nlohmann::json(std::vector<int64_t>(shape.begin(), shape.end())).dump() + ".",
              kNext, {{"tensor", name}, {"path", where_}});
}

at::Tensor as_tensor(const StoredTensor& tensor) {
  if (tensor.pieces.front().slice.dim < 0) {
    tensor.pieces.front().file->check();
    return as_tensor(*tensor.pieces.front().view);
  }
  const at::Tensor whole = at::empty(tensor.shape, at::TensorOptions().dtype(scalar_type(tensor.dtype)));
  read_slice(tensor, {}, whole);
  return whole;
}

void read_slice(const StoredTensor& tensor, const Slice& wanted, const at::Tensor& destination) {
  for (const auto& [slice, view, file] : tensor.pieces) {
    const at::Tensor piece = as_tensor(*view);
    const int64_t dim = wanted.dim >= 0 ? wanted.dim : slice.dim;
    if (dim < 0) {  // whole of a whole
      file->check();
      destination.copy_(piece);
      return;
    }
    if (slice.dim >= 0 && wanted.dim >= 0 && slice.dim != wanted.dim)
      throw std::logic_error("a tensor is sliced along one dim in all layouts");
    const int64_t size = tensor.shape[static_cast<size_t>(dim)];
    const Range has = slice.dim >= 0 ? slice.range : Range{0, size};
    const Range asked = wanted.dim >= 0 ? wanted.range : Range{0, size};
    const int64_t begin = std::max(has.begin, asked.begin), end = std::min(has.end(), asked.end());
    if (begin >= end) continue;
    file->check();
    destination.narrow(dim, begin - asked.begin, end - begin).copy_(piece.narrow(dim, begin - has.begin, end - begin));
    if (slice.dim < 0) return;  // replicas of a whole tensor
  }
}

void read_tensors(const ShardedTensors& stored, const std::vector<NamedTensor>& tensors, Contents contents,
                  Formats formats) {
  for (const auto& [name, tensor, slice, sole] : tensors) {
    const StoredTensor& from = stored.at(name, whole_shape(tensor, slice));
    if (formats == Formats::exact && from.dtype != dtype_of_tensor(tensor))
      throw Error("checkpoint.mismatch",
                  "Tensor " + name + " of " + stored.where() + " is " + std::string(dtype_name(from.dtype)) +
                      ", expected " + std::string(dtype_name(dtype_of_tensor(tensor))) + ".",
                  kNext, {{"tensor", name}});
  }
  if (contents == Contents::exactly && stored.tensors().size() != tensors.size())
    throw Error("checkpoint.mismatch",
                stored.where() + " holds " + std::to_string(stored.tensors().size()) + " tensors, this run has " +
                    std::to_string(tensors.size()) + ".",
                "This checkpoint was made by another run: choose one of this run.", {{"path", stored.where()}});
  for (const auto& [name, tensor, slice, sole] : tensors) read_slice(stored.at(name), slice, tensor);
}

void check_files(const ShardedTensors& stored, const std::vector<NamedTensor>& tensors) {
  for (const auto& [name, tensor, wanted, sole] : tensors) {
    const StoredTensor* from = stored.find(name);
    if (!from) {  // its name may be what was damaged
      for (const auto& [other, held] : stored.tensors())
        for (const StoredTensor::Piece& piece : held.pieces) piece.file->check();
      continue;
    }
    for (const auto& [slice, view, file] : from->pieces) {
      const bool apart = slice.dim >= 0 && wanted.dim >= 0 &&
                         (slice.range.end() <= wanted.range.begin || wanted.range.end() <= slice.range.begin);
      if (!apart) file->check();
      if (slice.dim < 0) break;  // one of several replicas is enough
    }
  }
}

std::string shard_file(const std::string& stem, Writer writer, int64_t rank) {
  if (writer == Writer::alone) return stem + ".safetensors";
  char name[32];
  std::snprintf(name, sizeof name, ".rank-%03lld.safetensors", static_cast<long long>(rank));
  return stem + name;
}

}  // namespace collie
