// Files as this project needs them: read through a memory map; written to a temporary name, synced, then renamed, so
// that a torn file is never seen under its real name. POSIX.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace collie {

// A whole file, read-only. Moves, does not copy. Pages are loaded when touched.
class MappedFile {
 public:
  MappedFile() = default;
  // Throws file.not_found, file.unreadable (also for a folder).
  explicit MappedFile(const std::filesystem::path& path);
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;

  std::span<const std::byte> bytes() const { return {data_, size_}; }

 private:
  const std::byte* data_ = nullptr;
  size_t size_ = 0;
};

// A file under construction, at `<path>.tmp-<pid>` until commit(). Not committed: it is deleted again.
// Every call throws disk.full when space runs out, file.unreadable for other failures of the system.
class OutputFile {
 public:
  explicit OutputFile(const std::filesystem::path& path);
  ~OutputFile();
  OutputFile(OutputFile&& other) noexcept;
  OutputFile& operator=(OutputFile&&) = delete;

  // Reserves the bytes now, so that a full disk is noticed before the work and not after it.
  void reserve(uint64_t bytes);
  void append(std::span<const std::byte> bytes);
  void append(std::string_view text) { append(std::as_bytes(std::span(text.data(), text.size()))); }
  // Anywhere in the file, unbuffered; does not move the place append() writes at.
  void write_at(uint64_t offset, std::span<const std::byte> bytes);
  // Syncs the data, gives the file its real name, syncs the folder.
  void commit();

  const std::filesystem::path& path() const { return path_; }

 private:
  void write_through(uint64_t offset, std::span<const std::byte> bytes);
  void flush();
  [[noreturn]] void fail(const char* action, int error) const;

  std::filesystem::path path_;
  std::filesystem::path temporary_;
  int descriptor_ = -1;
  uint64_t position_ = 0;          // where the buffer goes
  std::vector<std::byte> buffer_;  // appended, not yet written: many small appends are one system call
};

// Writes a small file in one go, with the promises of OutputFile.
void write_file(const std::filesystem::path& path, std::string_view text);

// Makes renames and new names inside a folder survive a power cut.
void sync_folder(const std::filesystem::path& folder);

}  // namespace collie
