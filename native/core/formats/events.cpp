#include "core/formats/events.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <string_view>
#include <thread>

#include "core/base/error.h"
#include "core/base/file.h"
#include "core/base/json_parse.h"

namespace collie {

using nlohmann::json;

namespace {

std::filesystem::path events_path(const std::filesystem::path& run_folder, int64_t rank) {
  char name[32];
  std::snprintf(name, sizeof name, "rank-%03lld.jsonl", static_cast<long long>(rank));
  return run_folder / "events" / name;
}

int64_t now_us() {
  using namespace std::chrono;
  return duration_cast<microseconds>(system_clock::now().time_since_epoch()).count();
}

constexpr int kEventsVersion = 2;  // EVENTS_VERSION of electron/shared/runs/events.ts
constexpr std::chrono::seconds kEnding{3};
constexpr uint64_t kMaxSeq = uint64_t{1} << 53;  // what readers can count to
// Events keep their keys in this order (json sorts them), so the type of a line can be told without parsing all of it.
constexpr std::string_view kStarted = "\"type\":\"started\"";

}  // namespace

EventWriter::EventWriter(const std::filesystem::path& run_folder, int64_t rank)
    : path_(events_path(run_folder, rank)), rank_(rank) {
  std::error_code made;
  // Only the folder itself: a run that is gone is not made anew by who wrote into it.
  std::filesystem::create_directory(path_.parent_path(), made);
  if (made) fail("made", made.value());
  descriptor_ = ::open(path_.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (descriptor_ < 0) fail("opened", errno);
  try {
    lock();
    scan();
  } catch (...) {
    ::close(descriptor_);
    throw;
  }
}

EventWriter::~EventWriter() { ::close(descriptor_); }

// Two processes that write one file would spoil it, its checkpoints and each other. Held until the process ends; one that was killed a
// moment ago may still be ending.
void EventWriter::lock() const {
  using namespace std::chrono;
  const auto patience = steady_clock::now() + kEnding;
  while (::flock(descriptor_, LOCK_EX | LOCK_NB) != 0) {
    if (errno == EINTR) continue;
    if (errno != EWOULDBLOCK) return;  // a file system without locks
    if (steady_clock::now() > patience)
      throw Error("run.not_resumable", "Another training process writes " + path_.string() + ": this run is going.",
                  "Stop it first, or watch it.", {{"path", path_.string()}});
    std::this_thread::sleep_for(milliseconds(20));
  }
}

void EventWriter::scan() {
  struct stat info{};
  if (::fstat(descriptor_, &info) != 0) fail("read", errno);
  if (info.st_size == 0) return;
  std::string_view last;
  {
    const MappedFile file(path_);
    const std::string_view text(reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size());
    size_t begin = 0;
    for (size_t end = text.find('\n'); end != std::string_view::npos; end = text.find('\n', begin)) {
      last = text.substr(begin, end - begin);
      if (last.find(kStarted) != std::string_view::npos) ++earlier_attempts_;
      begin = end + 1;
    }
    size_ = static_cast<int64_t>(begin);
    if (!last.empty()) {
      const json event = parse_json(last).value;
      const bool counted = event.is_object() && event.contains("seq") && event["seq"].is_number_unsigned();
      if (!counted || event["seq"].get<uint64_t>() > kMaxSeq)
        throw Error("file.unreadable", "The last line of " + path_.string() + " is no event.",
                    "Move this file away and start the run again.", {{"path", path_.string()}});
      next_seq_ = event["seq"].get<int64_t>() + 1;
    }
  }
  if (size_ < info.st_size && ::ftruncate(descriptor_, size_) != 0) fail("repaired", errno);
}

void EventWriter::write(int64_t step, const std::string& type, const json& payload) {
  const json event = {{"v", kEventsVersion}, {"rank", rank_}, {"seq", next_seq_},  {"timeUs", now_us()},
                      {"step", step},        {"type", type},  {"payload", payload}};
  const std::string line = event.dump(-1, ' ', false, json::error_handler_t::replace) + "\n";
  ssize_t written = -1;
  do written = ::write(descriptor_, line.data(), line.size());
  while (written < 0 && errno == EINTR);
  if (written != static_cast<ssize_t>(line.size())) {
    const int error = written < 0 ? errno : ENOSPC;
    if (written > 0 && ::ftruncate(descriptor_, size_) != 0) fail("repaired", errno);
    fail("written", error);
  }
  size_ += written;
  ++next_seq_;
}

void EventWriter::fail(const char* action, int error) const {
  if (error == ENOENT)
    throw Error("run.not_found", "The run folder " + path_.parent_path().parent_path().string() + " is gone.",
                "It was deleted or moved.", {{"path", path_.string()}});
  const bool full = error == ENOSPC || error == EDQUOT;
  throw Error(full ? "disk.full" : "file.unreadable",
              path_.string() + " could not be " + action + ": " + std::strerror(error) + ".",
              full ? "Free some disk space, then resume the run." : "Check the permissions of the run folder.",
              {{"path", path_.string()}});
}

}  // namespace collie
