// The safetensors format (one file: u64 header length, JSON header, tensor bytes): a memory-mapped reader with a closed
// list of errors, a view over the shards of a model folder, and a writer that never leaves half a file.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/base/dtype.h"
#include "core/base/file.h"

namespace collie {

// A stored tensor. `bytes` points into the mapped file: row-major, little-endian, valid while the file object lives.
// The pointer is aligned to the element size for files of this project; other writers' files may be unaligned: use
// memcpy.
struct TensorView {
  std::string name;
  DType dtype = DType::F32;
  std::vector<int64_t> shape;
  std::span<const std::byte> bytes;

  int64_t elements() const;
};

// Whose file it is: decides the error codes. model: model.not_found, model.truncated, model.bad_tensor,
// model.missing_tensor; checkpoint: checkpoint.not_found, checkpoint.truncated, checkpoint.mismatch (bad and missing
// tensors).
enum class StoreKind { model, checkpoint };

class SafetensorsFile {
 public:
  // Maps the file and checks its header completely: length, JSON, dtypes, shapes against byte ranges, ranges inside the
  // file, without overlap and without holes. Errors (by kind, above): not_found; truncated (file shorter than its
  // header or its tensors); bad_tensor (header over 100 MB or not JSON, unknown dtype, shape that does not match its
  // bytes, overlap). data.reason is one of header_too_large, header_invalid, truncated, bad_dtype, bad_shape,
  // bad_offsets.
  explicit SafetensorsFile(const std::filesystem::path& path, StoreKind kind = StoreKind::model);

  // By name; nullptr when absent.
  const TensorView* find(const std::string& name) const;
  // By name; throws missing_tensor.
  const TensorView& at(const std::string& name) const;
  // By name, with this shape; throws missing_tensor, bad_tensor (expected and received shape).
  const TensorView& at(const std::string& name, std::span<const int64_t> shape) const;

  // Sorted by name.
  const std::map<std::string, TensorView>& tensors() const { return tensors_; }
  const std::map<std::string, std::string>& metadata() const { return metadata_; }
  const std::filesystem::path& path() const { return path_; }
  uint64_t size_bytes() const { return file_.bytes().size(); }

 private:
  std::filesystem::path path_;
  StoreKind kind_;
  MappedFile file_;
  std::map<std::string, TensorView> tensors_;
  std::map<std::string, std::string> metadata_;
};

// All weights of a Hugging Face model folder under one map: model.safetensors, or the shards that
// model.safetensors.index.json names. Every tensor of the index must be in the shard it names. Of a folder of several modalities these are
// the weights of its text model, under the names that they have in a folder of its own.
class ModelFolder {
 public:
  // Throws model.not_found (no folder, no weights), model.bad_config (index not readable), model.bad_tensor (one that
  // two shards have), and what SafetensorsFile throws; a shard that is missing is model.not_found with its name.
  explicit ModelFolder(const std::filesystem::path& folder);

  const TensorView* find(const std::string& name) const;
  const TensorView& at(const std::string& name) const;
  const TensorView& at(const std::string& name, std::span<const int64_t> shape) const;

  const std::map<std::string, TensorView>& tensors() const { return tensors_; }
  // Of all tensors of all files, also of those that the index leaves out.
  std::vector<std::string> stored_names() const;
  // Those of other modalities.
  const std::vector<std::string>& left_out() const { return left_out_; }
  // Bytes of the weight files.
  uint64_t size_bytes() const;

 private:
  void refuse_repeated() const;
  void keep_text_model();

  std::filesystem::path folder_;
  std::vector<std::unique_ptr<SafetensorsFile>> files_;
  std::map<std::string, TensorView> tensors_;
  bool among_others_ = false;  // a text model whose tensors have other names in the files
  std::vector<std::string> left_out_;
};

struct TensorSpec {
  std::string name;
  DType dtype = DType::F32;
  std::vector<int64_t> shape;
};

// Writes a safetensors file of tensors declared up front, with bounded memory. The file appears under its name only in
// finish(), after fsync; a writer destroyed before leaves nothing.
class SafetensorsWriter {
 public:
  // Reserves the whole file at once. Throws disk.full, file.unreadable. Names must be unique (assert).
  SafetensorsWriter(const std::filesystem::path& path, std::vector<TensorSpec> tensors,
                    const std::map<std::string, std::string>& metadata = {{"format", "pt"}});
  ~SafetensorsWriter();
  SafetensorsWriter(SafetensorsWriter&&) noexcept;

  // The whole of one tensor. Any order, each once; the size must match its declaration (std::logic_error: a
  // programmer's error).
  void write(const std::string& name, std::span<const std::byte> bytes);
  template <typename T>
  void write(const std::string& name, std::span<const T> values) {
    write(name, std::as_bytes(values));
  }
  // The next part of one tensor, for tensors too big to hold at once. Parts of different tensors may alternate.
  void write_part(const std::string& name, std::span<const std::byte> bytes);
  // All declared tensors must be whole (std::logic_error otherwise). Syncs and renames. Throws disk.full.
  void finish();

  // Size of the finished file.
  uint64_t size_bytes() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace collie
