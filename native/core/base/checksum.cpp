#include "core/base/checksum.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdio>
#include <cstring>
#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "core/base/file.h"
#include "core/base/json_parse.h"

namespace collie {

using nlohmann::json;
namespace fs = std::filesystem;

namespace {

constexpr uint32_t kPolynomial = 0x82f63b78;  // reflected

// Slicing by eight: table k takes a byte that k more follow.
constexpr std::array<std::array<uint32_t, 256>, 8> make_tables() {
  std::array<std::array<uint32_t, 256>, 8> tables{};
  for (uint32_t value = 0; value < 256; ++value) {
    uint32_t crc = value;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? kPolynomial : 0);
    tables[0][value] = crc;
  }
  for (size_t value = 0; value < 256; ++value)
    for (size_t k = 1; k < 8; ++k)
      tables[k][value] = (tables[k - 1][value] >> 8) ^ tables[0][tables[k - 1][value] & 0xff];
  return tables;
}
constexpr auto kTables = make_tables();

uint32_t crc_by_tables(uint32_t crc, const std::byte* data, size_t size) {
  for (; size >= 8; size -= 8, data += 8) {
    uint64_t word = 0;
    std::memcpy(&word, data, 8);
    word ^= crc;
    crc = 0;
    for (size_t k = 0; k < 8; ++k) crc ^= kTables[7 - k][(word >> (8 * k)) & 0xff];
  }
  for (; size > 0; --size, ++data) crc = (crc >> 8) ^ kTables[0][(crc ^ static_cast<uint32_t>(*data)) & 0xff];
  return crc;
}

#if defined(__x86_64__)
__attribute__((target("sse4.2"))) uint32_t crc_by_instruction(uint32_t crc, const std::byte* data, size_t size) {
  uint64_t wide = crc;
  for (; size >= 8; size -= 8, data += 8) {
    uint64_t word = 0;
    std::memcpy(&word, data, 8);
    wide = __builtin_ia32_crc32di(wide, word);
  }
  crc = static_cast<uint32_t>(wide);
  for (; size > 0; --size, ++data) crc = __builtin_ia32_crc32qi(crc, static_cast<unsigned char>(*data));
  return crc;
}
#endif

std::string hex(uint32_t value) {
  char text[9];
  std::snprintf(text, sizeof text, "%08x", value);
  return text;
}

bool is_list(const std::string& name) {
  return (name.starts_with("checksums.") && name.ends_with(".json")) || name.ends_with(".checksums.json");
}

}  // namespace

uint32_t crc32c(std::span<const std::byte> bytes, uint32_t before) {
  const uint32_t begin = ~before;
#if defined(__x86_64__)
  static const bool has_instruction = __builtin_cpu_supports("sse4.2") != 0;
  if (has_instruction) return ~crc_by_instruction(begin, bytes.data(), bytes.size());
#endif
  return ~crc_by_tables(begin, bytes.data(), bytes.size());
}

std::string file_crc32c(const fs::path& path) { return hex(crc32c(MappedFile(path).bytes())); }

void write_checksums(const fs::path& folder, const std::string& list, const std::vector<std::string>& files) {
  json entries = json::object();
  for (const std::string& name : files) {
    const MappedFile file(folder / name);
    entries[name] = {{"bytes", file.bytes().size()}, {"crc32c", hex(crc32c(file.bytes()))}};
  }
  write_file(folder / list, json{{"v", 1}, {"files", entries}}.dump(1) + "\n");
}

Checksums Checksums::read(const fs::path& list) {
  Checksums result;
  std::error_code ignored;
  if (!fs::exists(list, ignored)) return result;
  const MappedFile file(list);
  const ParsedJson parsed = parse_json(file.bytes());
  const bool whole = parsed.value.is_object() && parsed.value.contains("files") && parsed.value["files"].is_object();
  if (!whole) {
    result.problem_ = list.string() + " is damaged: it is no list of checksums";
    return result;
  }
  for (const auto& [name, entry] : parsed.value["files"].items()) {
    const bool sound = entry.is_object() && entry.contains("bytes") && entry["bytes"].is_number_unsigned() &&
                       entry.contains("crc32c") && entry["crc32c"].is_string();
    if (sound) result.files_[name] = {entry["bytes"].get<uint64_t>(), entry["crc32c"].get<std::string>()};
    if (!sound) result.problem_ = list.string() + " is damaged: its entry of " + name + " cannot be read";
  }
  return result;
}

Checksums Checksums::of_folder(const fs::path& folder) {
  Checksums all;
  std::error_code ignored;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, ignored)) {
    if (!is_list(entry.path().filename().string())) continue;
    Checksums one = read(entry.path());
    all.files_.merge(one.files_);
    if (one.problem_) all.problem_ = one.problem_;
  }
  return all;
}

std::optional<std::string> Checksums::problem(const fs::path& path) const {
  if (empty()) return std::nullopt;
  if (problem_) return problem_;
  const auto found = files_.find(path.filename().string());
  if (found == files_.end()) return path.string() + " is in no list of the checksums beside it";
  const MappedFile file(path);
  const auto& [bytes, expected] = found->second;
  if (file.bytes().size() != bytes)
    return path.string() + " is damaged: it has " + std::to_string(file.bytes().size()) + " bytes, " +
           std::to_string(bytes) + " were written";
  const std::string crc = hex(crc32c(file.bytes()));
  if (crc == expected) return std::nullopt;
  return path.string() + " is damaged: the checksum of its bytes is " + crc + ", that of what was written " + expected;
}

std::vector<std::string> Checksums::names() const {
  std::vector<std::string> names;
  for (const auto& [name, entry] : files_) names.push_back(name);
  return names;
}

std::optional<std::string> folder_problem(const fs::path& folder) {
  const Checksums checksums = Checksums::of_folder(folder);
  if (checksums.problem_of_lists()) return checksums.problem_of_lists();
  for (const std::string& name : checksums.names()) {
    std::error_code ignored;
    if (!fs::exists(folder / name, ignored)) return (folder / name).string() + " is missing";
    if (auto problem = checksums.problem(folder / name)) return problem;
  }
  return std::nullopt;
}

void write_folder_checksums(const fs::path& folder) {
  std::vector<std::string> names;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder))
    if (entry.is_regular_file() && !is_list(entry.path().filename().string()))
      names.push_back(entry.path().filename().string());
  std::ranges::sort(names);
  write_checksums(folder, "checksums.json", names);
}

void check_file(const Checksums& checksums, const fs::path& path) {
  if (const std::optional<std::string> problem = checksums.problem(path))
    throw Error("checkpoint.corrupt", *problem + ".", "Use another checkpoint, or a copy of this one.",
                {{"path", path.string()}});
}

void FileCheck::check() const {
  std::call_once(once_, [this] { check_file(*checksums_, path_); });
}

}  // namespace collie
