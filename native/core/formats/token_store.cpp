#include "core/formats/token_store.h"

#include <algorithm>
#include <optional>
#include <stdexcept>
#include <utility>

#include "core/base/checksum.h"
#include "core/base/error.h"
#include "core/base/file.h"

namespace collie {

namespace {

struct Paths {
  std::filesystem::path ids, mask, offsets, weights, groups, values, checksums;
  Paths(const std::filesystem::path& folder, const std::string& split)
      : ids(folder / (split + ".ids.u32")),
        mask(folder / (split + ".mask.u8")),
        offsets(folder / (split + ".offsets.u64")),
        weights(folder / (split + ".weights.f32")),
        groups(folder / (split + ".groups.u64")),
        values(folder / (split + ".values.f32")),
        checksums(folder / (split + ".checksums.json")) {}
};

MappedFile map_part(const std::filesystem::path& path) {
  try {
    return MappedFile(path);
  } catch (const Error& error) {
    const bool missing = error.code() == "file.not_found";
    throw Error(missing ? "dataset.not_found" : "dataset.unreadable", std::string("Token store: ") + error.what(),
                "Remove the folder " + path.parent_path().string() +
                    ": a resume of the run prepares it again from the dataset.",
                {{"path", path.string()}});
  }
}

[[noreturn]] void fail_unreadable(const std::filesystem::path& path, const std::string& problem) {
  throw Error(
      "dataset.unreadable", "Token store " + path.string() + ": " + problem + ".",
      "Remove the folder " + path.parent_path().string() + ": a resume of the run prepares it again from the dataset.",
      {{"path", path.string()}});
}

template <typename T>
std::span<const T> as_array(const MappedFile& file, const std::filesystem::path& path) {
  const auto bytes = file.bytes();
  if (bytes.size() % sizeof(T) != 0)
    fail_unreadable(path, std::to_string(bytes.size()) + " bytes are not a multiple of " + std::to_string(sizeof(T)));
  return {reinterpret_cast<const T*>(bytes.data()), bytes.size() / sizeof(T)};
}

// Offsets must rise from 0 to `count`.
void check_offsets(std::span<const uint64_t> offsets, const std::filesystem::path& path) {
  if (offsets.empty()) fail_unreadable(path, "it is empty, but must hold at least one offset");
  if (offsets.front() != 0) fail_unreadable(path, "the first offset is " + std::to_string(offsets.front()) + ", not 0");
  for (size_t i = 1; i < offsets.size(); ++i)
    if (offsets[i] < offsets[i - 1])
      fail_unreadable(path, "offset " + std::to_string(i) + " (" + std::to_string(offsets[i]) +
                                ") is below the one before (" + std::to_string(offsets[i - 1]) + ")");
}

void check_count(size_t received, size_t expected, const char* what, const std::filesystem::path& path) {
  if (received != expected)
    fail_unreadable(path,
                    "it holds " + std::to_string(received) + " " + what + ", there are " + std::to_string(expected));
}

// Files that only some stores have. One that was written is not missing unnoticed: its checksum is.
class OptionalParts {
 public:
  explicit OptionalParts(const Checksums& checksums) : checksums_(checksums), listed_(checksums.names()) {}

  template <typename T>
  std::span<const T> map(const std::filesystem::path& path, std::optional<MappedFile>& file) const {
    const bool listed = std::ranges::find(listed_, path.filename().string()) != listed_.end();
    if (!listed && !std::filesystem::exists(path)) return {};
    file.emplace(map_part(path));
    if (const auto problem = checksums_.problem(path)) fail_unreadable(path, *problem);
    return as_array<T>(*file, path);
  }

 private:
  const Checksums& checksums_;
  std::vector<std::string> listed_;
};

}  // namespace

struct TokenStore::Impl {
  MappedFile ids_file, mask_file, offsets_file;
  std::optional<MappedFile> weights_file, groups_file, values_file;
  std::span<const uint32_t> ids;
  std::span<const uint8_t> mask;
  std::span<const uint64_t> offsets, groups;
  std::span<const float> weights, values;
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
  check_offsets(offsets, paths.offsets);
  if (offsets.back() != impl->ids.size())
    fail_unreadable(paths.ids, "it holds " + std::to_string(impl->ids.size()) + " tokens, the offsets say " +
                                   std::to_string(offsets.back()));
  if (impl->mask.size() != impl->ids.size())
    fail_unreadable(paths.mask, "it holds " + std::to_string(impl->mask.size()) + " flags for " +
                                    std::to_string(impl->ids.size()) + " tokens");
  const OptionalParts optional(checksums);
  impl->weights = optional.map<float>(paths.weights, impl->weights_file);
  impl->groups = optional.map<uint64_t>(paths.groups, impl->groups_file);
  impl->values = optional.map<float>(paths.values, impl->values_file);
  if (impl->weights_file) check_count(impl->weights.size(), impl->ids.size(), "weights of tokens", paths.weights);
  if (impl->values_file) check_count(impl->values.size(), offsets.size() - 1, "values of documents", paths.values);
  if (impl->groups_file) {
    check_offsets(impl->groups, paths.groups);
    check_count(impl->groups.back(), offsets.size() - 1, "documents in its groups", paths.groups);
  }
  return TokenStore(std::move(impl));
}

TokenStore::TokenStore(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
TokenStore::~TokenStore() = default;
TokenStore::TokenStore(TokenStore&&) noexcept = default;
TokenStore& TokenStore::operator=(TokenStore&&) noexcept = default;

int64_t TokenStore::size() const { return static_cast<int64_t>(impl_->offsets.size()) - 1; }
int64_t TokenStore::tokens() const { return static_cast<int64_t>(impl_->ids.size()); }

std::span<const uint64_t> TokenStore::groups() const { return impl_->groups; }
std::span<const float> TokenStore::values() const { return impl_->values; }

int64_t TokenStore::length(int64_t index) const {
  return static_cast<int64_t>(impl_->offsets[index + 1] - impl_->offsets[index]);
}

Document TokenStore::operator[](int64_t index) const {
  const uint64_t begin = impl_->offsets[index];
  const uint64_t count = impl_->offsets[index + 1] - begin;
  return {impl_->ids.subspan(begin, count), impl_->mask.subspan(begin, count),
          impl_->weights.empty() ? impl_->weights : impl_->weights.subspan(begin, count)};
}

struct TokenStoreWriter::Impl {
  Paths paths;
  OutputFile ids, mask, offsets;
  std::optional<OutputFile> weights;  // from the first document on that has some
  uint64_t tokens = 0, documents = 0;
  std::vector<uint64_t> groups;  // where each begins
  std::vector<float> values;

  explicit Impl(Paths where) : paths(std::move(where)), ids(paths.ids), mask(paths.mask), offsets(paths.offsets) {
    std::error_code ignored;
    // Of a store that was here before.
    for (const auto& path : {paths.checksums, paths.weights, paths.groups, paths.values})
      std::filesystem::remove(path, ignored);
    put_offset();
  }
  void put_offset() { offsets.append(std::as_bytes(std::span(&tokens, 1))); }
  void put_ones(uint64_t count) {
    const std::vector<float> ones(std::min<uint64_t>(count, 4096), 1.f);
    for (; count > 0; count -= std::min<uint64_t>(count, ones.size()))
      weights->append(std::as_bytes(std::span(ones).first(std::min<uint64_t>(count, ones.size()))));
  }
  void put_weights(std::span<const float> own, uint64_t count) {
    if (own.empty() && !weights) return;
    if (!weights) {
      weights.emplace(paths.weights);
      put_ones(tokens);
    }
    if (own.empty())
      put_ones(count);
    else
      weights->append(std::as_bytes(own));
  }
  // Whole files, written at the end. Their names are added to `written`.
  template <typename T>
  void put_file(const std::filesystem::path& path, const std::vector<T>& numbers, std::vector<std::string>& written) {
    OutputFile file(path);
    file.append(std::as_bytes(std::span(numbers)));
    file.commit();
    written.push_back(path.filename().string());
  }
};

TokenStoreWriter::TokenStoreWriter(const std::filesystem::path& data_dir, const std::string& split)
    : impl_(std::make_unique<Impl>(Paths(data_dir, split))) {}
TokenStoreWriter::~TokenStoreWriter() = default;

void TokenStoreWriter::append(std::span<const uint32_t> ids, std::span<const uint8_t> mask,
                              const DocumentExtras& extras) {
  if (!impl_) throw std::logic_error("TokenStoreWriter: append after finish");
  if (ids.size() != mask.size())
    throw std::logic_error("TokenStoreWriter: " + std::to_string(ids.size()) + " ids, but " +
                           std::to_string(mask.size()) + " flags");
  if (!extras.weights.empty() && extras.weights.size() != ids.size())
    throw std::logic_error("TokenStoreWriter: " + std::to_string(ids.size()) + " ids, but " +
                           std::to_string(extras.weights.size()) + " weights");
  impl_->put_weights(extras.weights, ids.size());
  if (!extras.same_example || impl_->documents == 0) impl_->groups.push_back(impl_->documents);
  if (extras.value) impl_->values.push_back(*extras.value);
  ++impl_->documents;
  impl_->ids.append(std::as_bytes(ids));
  impl_->mask.append(std::as_bytes(mask));
  impl_->tokens += ids.size();
  impl_->put_offset();
}

void TokenStoreWriter::finish() {
  if (!impl_) throw std::logic_error("TokenStoreWriter: finished twice");
  const Paths& paths = impl_->paths;
  if (!impl_->values.empty() && impl_->values.size() != impl_->documents)
    throw std::logic_error("TokenStoreWriter: " + std::to_string(impl_->values.size()) + " values for " +
                           std::to_string(impl_->documents) + " documents");
  std::vector<std::string> files = {paths.ids.filename().string(), paths.mask.filename().string(),
                                    paths.offsets.filename().string()};
  impl_->ids.commit();
  impl_->mask.commit();
  if (impl_->weights) {
    impl_->weights->commit();
    files.push_back(paths.weights.filename().string());
  }
  if (impl_->groups.size() != impl_->documents) {
    impl_->groups.push_back(impl_->documents);
    impl_->put_file(paths.groups, impl_->groups, files);
  }
  if (!impl_->values.empty()) impl_->put_file(paths.values, impl_->values, files);
  impl_->offsets.commit();  // without it there is no store
  write_checksums(paths.ids.parent_path(), paths.checksums.filename().string(), files);
  impl_.reset();
}

}  // namespace collie
