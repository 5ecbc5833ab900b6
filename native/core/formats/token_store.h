// The token store: tokenized documents of one split, memory-mapped. Three raw little-endian files in runs/<id>/data:
//   <split>.ids.u32      token ids of all documents, one after another
//   <split>.mask.u8      per token: 1 if the loss counts it as a target (it is predicted from the token before), else 0
//   <split>.offsets.u64  n_documents + 1 offsets into the two above; the first is 0
// and <split>.checksums.json (core/base/checksum.h), which older ones do not have.
// The first token of a document is never a target, whatever its mask says.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace collie {

struct Document {
  std::span<const uint32_t> ids;
  std::span<const uint8_t> mask;
};

class TokenStore {
 public:
  // Throws dataset.not_found (file missing), dataset.unreadable (sizes that do not fit together, offsets that fall,
  // bytes that are not those that were written).
  static TokenStore open(const std::filesystem::path& data_dir, const std::string& split);
  ~TokenStore();
  TokenStore(TokenStore&&) noexcept;
  TokenStore& operator=(TokenStore&&) noexcept;

  int64_t size() const;  // documents
  Document operator[](int64_t index) const;
  int64_t length(int64_t index) const;  // tokens of one document
  int64_t tokens() const;               // tokens of all documents

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
  explicit TokenStore(std::unique_ptr<Impl> impl);
};

// Writes a split, document by document. finish() syncs and renames the files into place: a torn store is never seen.
class TokenStoreWriter {
 public:
  TokenStoreWriter(const std::filesystem::path& data_dir, const std::string& split);
  ~TokenStoreWriter();
  void append(std::span<const uint32_t> ids, std::span<const uint8_t> mask);
  void finish();  // throws disk.full

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace collie
