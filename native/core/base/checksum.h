// CRC-32C (Castagnoli; RFC 3720, appendix B.4), and the checksums of a folder's files: checksums.json lists
// {"v": 1, "files": {"<name>": {"bytes", "crc32c"}}}. Several ranks write one each (checksums.rank-003.json); together they are the list.
// Folders of before there were checksums have none, and are read as they are.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace collie {

// Of `bytes`, going on from the checksum `before` of what stands in front of them.
uint32_t crc32c(std::span<const std::byte> bytes, uint32_t before = 0);

// Eight hexadecimal digits. Reads the whole file. Throws file.not_found, file.unreadable.
std::string file_crc32c(const std::filesystem::path& path);

// Writes `<folder>/<list>` for these files of the folder. Throws disk.full, file.unreadable.
void write_checksums(const std::filesystem::path& folder, const std::string& list,
                     const std::vector<std::string>& files);

class Checksums {
 public:
  // Reads one list; empty when there is no such file.
  static Checksums read(const std::filesystem::path& list);
  // Reads all lists of a folder, checksums*.json and *.checksums.json; empty when it has none.
  static Checksums of_folder(const std::filesystem::path& folder);

  bool empty() const { return files_.empty() && !problem_; }
  // What is wrong with a file of the folder; nothing when its bytes are those that were written, or there are no checksums at all.
  std::optional<std::string> problem(const std::filesystem::path& path) const;
  // Of the files that are listed.
  std::vector<std::string> names() const;
  const std::optional<std::string>& problem_of_lists() const { return problem_; }

 private:
  struct Entry {
    uint64_t bytes = 0;
    std::string crc32c;
  };
  std::map<std::string, Entry> files_;
  std::optional<std::string> problem_;  // of a list itself
};

// One file against the checksums of its folder, compared when somebody first reads from it, and once.
class FileCheck {
 public:
  FileCheck(std::shared_ptr<const Checksums> checksums, std::filesystem::path path)
      : checksums_(std::move(checksums)), path_(std::move(path)) {}
  // Throws checkpoint.corrupt.
  void check() const;

 private:
  std::shared_ptr<const Checksums> checksums_;
  std::filesystem::path path_;
  mutable std::once_flag once_;
};

// The first problem of the files that the lists of a folder name, also of one that is missing; nothing when all are as they were written.
std::optional<std::string> folder_problem(const std::filesystem::path& folder);
// Lists all files of a folder, those below it left out, in its checksums.json.
void write_folder_checksums(const std::filesystem::path& folder);

// Throws checkpoint.corrupt for a file whose bytes are not those that were written.
void check_file(const Checksums& checksums, const std::filesystem::path& path);

}  // namespace collie
