// The token store: tokenized documents of one split, memory-mapped. Three raw little-endian files in runs/<id>/data:
//   <split>.ids.u32      token ids of all documents, one after another
//   <split>.mask.u8      per token: 1 if the loss counts it as a target (it is predicted from the token before), else 0
//   <split>.offsets.u64  n_documents + 1 offsets into the two above; the first is 0
// where documents are not all alike also
//   <split>.weights.f32  per token: what its loss counts; without the file 1
//   <split>.groups.u64   groups + 1 offsets into the documents of those that are one example together; without it each is its own
//   <split>.values.f32   a number per document that its objective wants (a reference's log-probability)
// and <split>.checksums.json (core/base/checksum.h), which older ones do not have.
// The first token of a document is never a target, whatever its mask says.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace collie {

struct Document {
  std::span<const uint32_t> ids;
  std::span<const uint8_t> mask;
  std::span<const float> weights = {};  // empty: all 1
};

// What a document has besides.
struct DocumentExtras {
  std::span<const float> weights = {};  // empty: all 1
  std::optional<float> value = {};      // all documents of a store have one, or none
  bool same_example = false;            // it belongs to the document before it
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
  int64_t length(int64_t index) const;       // tokens of one document
  int64_t tokens() const;                    // tokens of all documents
  std::span<const uint64_t> groups() const;  // offsets into the documents, or empty: each is its own
  std::span<const float> values() const;     // one a document, or empty

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
  void append(std::span<const uint32_t> ids, std::span<const uint8_t> mask, const DocumentExtras& extras = {});
  // Throws disk.full; std::logic_error when some documents have a value and others none.
  void finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace collie
