// GGUF versions 2 and 3 (little-endian), memory-mapped: metadata and tensor table. Made for files from anywhere: every
// count, length and offset is checked against the file before it is used. A file in parts (x-00001-of-00003.gguf) is one: the first
// has the metadata, each its own tensors.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "core/base/file.h"
#include "core/formats/gguf_types.h"

namespace collie {

struct GgufTensor {
  std::string name;
  std::vector<int64_t> shape;  // row-major, as in PyTorch: the file's order turned round
  GgufType type = GgufType::F32;
  std::span<const std::byte> bytes;  // into the mapped file

  int64_t elements() const;
};

class GgufFile {
 public:
  // Throws file.not_found, file.unreadable, gguf.not_gguf (no magic, another version, big-endian, an impossible entry),
  // gguf.unsupported_type (a tensor type of unknown size), model.truncated (anything reaches beyond the end of the
  // file), model.missing_tensor (a part is not there, or of another file). Of a file in parts, `path` may be any.
  explicit GgufFile(const std::filesystem::path& path);

  // Values as JSON: integers, numbers, booleans, strings (bytes as they are; meant to be UTF-8) and arrays of them.
  // 32-bit floats are the shortest decimal that reads back as the same float, so 1e-5 is 1e-5.
  const std::map<std::string, nlohmann::json>& metadata() const { return metadata_; }
  // nullptr when absent.
  const nlohmann::json* find(const std::string& key) const;

  // In the order of the file.
  const std::vector<GgufTensor>& tensors() const { return tensors_; }
  const GgufTensor* find_tensor(const std::string& name) const;

  // Of the first part.
  const std::filesystem::path& path() const { return path_; }
  // "general.architecture", or "" when absent.
  std::string architecture() const;

 private:
  void read_part(const std::filesystem::path& path, std::map<std::string, nlohmann::json>& metadata);
  void read_other_parts();

  std::filesystem::path path_;
  std::vector<MappedFile> parts_;
  std::map<std::string, nlohmann::json> metadata_;
  std::vector<GgufTensor> tensors_;
  std::map<std::string, size_t> tensor_index_;
};

}  // namespace collie
