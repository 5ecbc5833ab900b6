#include "core/base/file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <bit>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

#include "core/base/error.h"

namespace collie {

static_assert(std::endian::native == std::endian::little, "stored files are little-endian and mapped as they are");

namespace {

constexpr size_t kBufferBytes = 1 << 18;

// Owns a descriptor until released.
class Descriptor {
 public:
  explicit Descriptor(int value) : value_(value) {}
  ~Descriptor() {
    if (value_ >= 0) ::close(value_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return value_; }

 private:
  int value_;
};

[[noreturn]] void fail_reading(const std::filesystem::path& path, int error) {
  const nlohmann::json data = {{"path", path.string()}};
  if (error == ENOENT || error == ENOTDIR)
    throw Error("file.not_found", "There is no file " + path.string() + ".", "Check the path.", data);
  throw Error("file.unreadable", path.string() + " cannot be read: " + std::strerror(error) + ".",
              "Check that it is a file and that you may read it.", data);
}

}  // namespace

MappedFile::MappedFile(const std::filesystem::path& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (file.get() < 0) fail_reading(path, errno);
  struct stat info = {};
  if (::fstat(file.get(), &info) != 0) fail_reading(path, errno);
  if (S_ISDIR(info.st_mode)) fail_reading(path, EISDIR);
  if (!S_ISREG(info.st_mode)) fail_reading(path, EINVAL);
  if (info.st_size == 0) return;
  void* address = ::mmap(nullptr, static_cast<size_t>(info.st_size), PROT_READ, MAP_PRIVATE, file.get(), 0);
  if (address == MAP_FAILED) fail_reading(path, errno);
  data_ = static_cast<const std::byte*>(address);
  size_ = static_cast<size_t>(info.st_size);
}

MappedFile::~MappedFile() {
  if (data_) ::munmap(const_cast<std::byte*>(data_), size_);
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

OutputFile::OutputFile(const std::filesystem::path& path)
    : path_(path), temporary_(path.string() + ".tmp-" + std::to_string(::getpid())) {
  descriptor_ = ::open(temporary_.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0644);
  if (descriptor_ < 0) fail("created", errno);
}

OutputFile::OutputFile(OutputFile&& other) noexcept
    : path_(std::move(other.path_)),
      temporary_(std::move(other.temporary_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      position_(other.position_),
      buffer_(std::move(other.buffer_)) {}

OutputFile::~OutputFile() {
  if (descriptor_ < 0) return;
  ::close(descriptor_);
  ::unlink(temporary_.c_str());
}

void OutputFile::fail(const char* action, int error) const {
  const nlohmann::json data = {{"path", path_.string()}};
  if (error == ENOSPC || error == EDQUOT || error == EFBIG)
    throw Error("disk.full", path_.string() + " cannot be " + action + ": " + std::strerror(error) + ".",
                "Free some disk space, then try again. Nothing was lost.", data);
  throw Error("file.unreadable", path_.string() + " cannot be " + action + ": " + std::strerror(error) + ".",
              "Check that the folder exists and that you may write to it.", data);
}

void OutputFile::reserve(uint64_t bytes) {
  if (bytes == 0) return;
#ifdef __linux__
  // fallocate, not posix_fallocate: the latter writes zeros where the file system cannot reserve.
  if (::fallocate(descriptor_, 0, 0, static_cast<off_t>(bytes)) == 0) return;
  if (errno != EOPNOTSUPP && errno != ENOSYS) fail("written", errno);
#endif
  if (::ftruncate(descriptor_, static_cast<off_t>(bytes)) != 0) fail("written", errno);
}

void OutputFile::append(std::span<const std::byte> bytes) {
  if (buffer_.size() + bytes.size() > kBufferBytes) flush();
  if (bytes.size() >= kBufferBytes) {
    write_through(position_, bytes);
    position_ += bytes.size();
  } else {
    buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
  }
}

void OutputFile::flush() {
  write_through(position_, buffer_);
  position_ += buffer_.size();
  buffer_.clear();
}

void OutputFile::write_at(uint64_t offset, std::span<const std::byte> bytes) { write_through(offset, bytes); }

void OutputFile::write_through(uint64_t offset, std::span<const std::byte> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(descriptor_, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) fail("written", errno);
    bytes = bytes.subspan(static_cast<size_t>(written));
    offset += static_cast<uint64_t>(written);
  }
}

void OutputFile::commit() {
  flush();
  // Some file systems tell of a full disk only here.
  if (::fsync(descriptor_) != 0) fail("written", errno);
  const int closed = ::close(std::exchange(descriptor_, -1));
  const int error = closed != 0 ? errno : ::rename(temporary_.c_str(), path_.c_str()) != 0 ? errno : 0;
  if (error != 0) {
    ::unlink(temporary_.c_str());
    fail("written", error);
  }
  sync_folder(path_.parent_path());
}

void write_file(const std::filesystem::path& path, std::string_view text) {
  OutputFile file(path);
  file.append(text);
  file.commit();
}

void sync_folder(const std::filesystem::path& folder) {
  const std::filesystem::path name = folder.empty() ? "." : folder;
  const Descriptor descriptor(::open(name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  // A file system that cannot sync a folder (some network ones) has no better promise to give.
  if (descriptor.get() >= 0) (void)::fsync(descriptor.get());
}

}  // namespace collie
