#include "rank/line_reader.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

namespace collie {

LineReader::LineReader(int descriptor, std::function<void(const std::string&)> on_line, std::function<void()> on_end)
    : descriptor_(descriptor), on_line_(std::move(on_line)), on_end_(std::move(on_end)) {
  if (::pipe(wake_) != 0) throw std::system_error(errno, std::generic_category(), "pipe");
  for (const int end : wake_) ::fcntl(end, F_SETFD, FD_CLOEXEC);
  thread_ = std::thread([this] { run(); });
}

LineReader::~LineReader() {
  ::close(wake_[1]);  // the reading end becomes readable: poll() returns
  thread_.join();
  ::close(wake_[0]);
}

bool LineReader::read_some(std::string& pending) {
  std::array<char, 65536> buffer;
  const ssize_t count = ::read(descriptor_, buffer.data(), buffer.size());
  if (count < 0 && (errno == EINTR || errno == EAGAIN)) return true;
  if (count <= 0) return false;
  pending.append(buffer.data(), static_cast<size_t>(count));
  size_t begin = 0;
  for (size_t end = pending.find('\n'); end != std::string::npos; end = pending.find('\n', begin)) {
    if (end > begin) on_line_(pending.substr(begin, end - begin));
    begin = end + 1;
  }
  pending.erase(0, begin);
  return true;
}

void LineReader::run() {
  std::string pending;
  while (true) {
    std::array<pollfd, 2> waiting = {{{descriptor_, POLLIN, 0}, {wake_[0], POLLIN, 0}}};
    if (::poll(waiting.data(), waiting.size(), -1) < 0 && errno != EINTR) break;
    if (waiting[1].revents != 0) return;
    if (waiting[0].revents != 0 && !read_some(pending)) break;
  }
  if (!pending.empty()) on_line_(pending);
  on_end_();
}

}  // namespace collie
