// Reading the head of a GGUF file: numbers, names and metadata values, each checked against what is left of the file.
#pragma once

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <span>
#include <string>

namespace collie {

// gguf.not_gguf: "<path> cannot be read as GGUF: <problem>."
[[noreturn]] void fail_gguf(const std::filesystem::path& path, const std::string& problem);

// Reads forward through the mapped bytes; whatever would reach beyond them is model.truncated.
class GgufCursor {
 public:
  GgufCursor(std::span<const std::byte> bytes, const std::filesystem::path& path) : bytes_(bytes), path_(path) {}

  template <typename T>
  T read(const char* what) {
    T value;
    std::memcpy(&value, take(sizeof(T), what).data(), sizeof(T));
    return value;
  }
  std::string read_string(const char* what);
  // Of a key or a tensor.
  std::string read_name(const char* what);

  // Counts items of arrays, of which a file may have only so many together.
  void take_items(uint64_t count, const std::string& key);
  // A count of things of at least `min_bytes` each must fit into what is left, before a loop or an allocation trusts
  // it.
  void check_count(uint64_t count, uint64_t min_bytes, const char* what) const;
  [[noreturn]] void fail_truncated(const std::string& what) const;

  uint64_t position() const { return position_; }
  uint64_t remaining() const { return bytes_.size() - position_; }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::span<const std::byte> take(uint64_t count, const char* what);

  std::span<const std::byte> bytes_;
  const std::filesystem::path& path_;
  uint64_t position_ = 0;
  uint64_t items_ = 0;  // of arrays
};

// The type and the value of a metadata entry whose key was read.
nlohmann::json read_gguf_value(GgufCursor& cursor, const std::string& key);

}  // namespace collie
