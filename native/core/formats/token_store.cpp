#include "core/formats/token_store.h"

#include <stdexcept>
#include <utility>

#include "core/base/checksum.h"
#include "core/base/error.h"
#include "core/base/file.h"

namespace collie {

namespace {

struct Paths {
  std::filesystem::path ids, mask, offsets, checksums;
  Paths(const std::filesystem::path& folder, const std::string& split)
      : ids(folder / (split + ".ids.u32")),
        mask(folder / (split + ".mask.u8")),
        offsets(folder / (split + ".offsets.u64")),
        checksums(folder / (split + ".checksums.json")) {}
};

MappedFile map_part(const std::filesystem::path& path) {
  try {
    return MappedFile(path);
  } catch (const Error& error) {
    const bool missing = error.code() == "file.not_found";
    throw Error(missing ? "dataset.not_found" : "dataset.unreadable", std::string("Token store: ") + error.what(),
                "Remove the folder " + path.parent_path().string() + ": a resume of the run prepares it again from the dataset.", {{"path", path.string()}});
  }
}

[[noreturn]] void fail_unreadable(const std::filesystem::path& path, const std::string& problem) {
  throw Error("dataset.unreadable", "Token store " + path.string() + ": " + problem + ".",
              "Remove the folder " + path.parent_path().string() + ": a resume of the run prepares it again from the dataset.", {{"path", path.string()}});
}

template <typename T>
std::span<const T> as_array(const MappedFile& file, const std::filesystem::path& path) {
  const auto bytes = file.bytes();
  if (bytes.size() % sizeof(T) != 0)
    fail_unreadable(path, std::to_string(bytes.size()) + " bytes are not a multiple of " + std::to_string(sizeof(T)));
  return {reinterpret_cast<const T*>(bytes.data()), bytes.size() / sizeof(T)};
}

}  // namespace

struct TokenStore::Impl {
  MappedFile ids_file, mask_file, offsets_file;
  std::span<const uint32_t> ids;
  std::span<const uint8_t> mask;
  std::span<const uint64_t> offsets;
};

TokenStore TokenStore::open(const std::filesystem::path& data_dir, const std::string& split) {
  const Paths paths(data_dir, split);
  const Checksums checksums = Checksums::read(paths.checksums);
  auto impl = std::make_unique<Impl>();
  impl->offsets_file = map_part(paths.offsets);
  impl->ids_file = map_part(paths.ids);
  impl->mask_file = map_part(paths.mask);
  for (const auto& path : {paths.offsets, paths.ids, paths.mask})
    if (const auto problem = checksums.problem(path)) fail_unreadable(path, *problem);
  impl->offsets = as_array<uint64_t>(impl->offsets_file, paths.offsets);
  impl->ids = as_array<uint32_t>(impl->ids_file, paths.ids);
  impl->mask = as_array<uint8_t>(impl->mask_file, paths.mask);

  const auto offsets = impl->offsets;
  if (offsets.empty()) fail_unreadable(paths.offsets, "it is empty, but must hold at least one offset");
  if (offsets.front() != 0)
    fail_unreadable(paths.offsets, "the first offset is " + std::to_string(offsets.front()) + ", not 0");
  for (size_t i = 1; i < offsets.size(); ++i)
    if (offsets[i] < offsets[i - 1])
      fail_unreadable(paths.offsets, "offset " + std::to_string(i) + " (" + std::to_string(offsets[i]) +
                                         ") is below the one before (" + std::to_string(offsets[i - 1]) + ")");
  if (offsets.back() != impl->ids.size())
    fail_unreadable(paths.ids, "it holds " + std::to_string(impl->ids.size()) + " tokens, the offsets say " +
                                   std::to_string(offsets.back()));
  if (impl->mask.size() != impl->ids.size())
    fail_unreadable(paths.mask, "it holds " + std::to_string(impl->mask.size()) + " flags for " +
                                    std::to_string(impl->ids.size()) + " tokens");
  return TokenStore(std::move(impl));
}

TokenStore::TokenStore(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TokenStore::~TokenStore() = default;
TokenStore::TokenStore(TokenStore&&) noexcept = default;
TokenStore& TokenStore::operator=(TokenStore&&) noexcept = default;

int64_t TokenStore::size() const { return static_cast<int64_t>(impl_->offsets.size()) - 1; }
int64_t TokenStore::tokens() const { return static_cast<int64_t>(impl_->ids.size()); }

int64_t TokenStore::length(int64_t index) const {
  return static_cast<int64_t>(impl_->offsets[index + 1] - impl_->offsets[index]);
}

Document TokenStore::operator[](int64_t index) const {
  const uint64_t begin = impl_->offsets[index];
  const uint64_t count = impl_->offsets[index + 1] - begin;
  return {impl_->ids.subspan(begin, count), impl_->mask.subspan(begin, count)};
}

struct TokenStoreWriter::Impl {
  Paths paths;
  OutputFile ids, mask, offsets;
  uint64_t tokens = 0;

  explicit Impl(Paths where) : paths(std::move(where)), ids(paths.ids), mask(paths.mask), offsets(paths.offsets) {
    std::error_code ignored;
    std::filesystem::remove(paths.checksums, ignored);  // of a store that was here before
    put_offset();
  }
  void put_offset() { offsets.append(std::as_bytes(std::span(&tokens, 1))); }
};

TokenStoreWriter::TokenStoreWriter(const std::filesystem::path& data_dir, const std::string& split)
    : impl_(std::make_unique<Impl>(Paths(data_dir, split))) {}
TokenStoreWriter::~TokenStoreWriter() = default;

void TokenStoreWriter::append(std::span<const uint32_t> ids, std::span<const uint8_t> mask) {
  if (!impl_) throw std::logic_error("TokenStoreWriter: append after finish");
  if (ids.size() != mask.size())
    throw std::logic_error("TokenStoreWriter: " + std::to_string(ids.size()) + " ids, but " +
                           std::to_string(mask.size()) + " flags");
  impl_->ids.append(std::as_bytes(ids));
  impl_->mask.append(std::as_bytes(mask));
  impl_->tokens += ids.size();
  impl_->put_offset();
}

void TokenStoreWriter::finish() {
  if (!impl_) throw std::logic_error("TokenStoreWriter: finished twice");
  impl_->ids.commit();
  impl_->mask.commit();
  impl_->offsets.commit();  // without it there is no store
  const Paths& paths = impl_->paths;
  write_checksums(paths.ids.parent_path(), paths.checksums.filename().string(),
                  {paths.ids.filename().string(), paths.mask.filename().string(), paths.offsets.filename().string()});
  impl_.reset();
}

}  // namespace collie
