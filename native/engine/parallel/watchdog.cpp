#include "engine/parallel/watchdog.h"

#include <utility>

namespace collie {

namespace {

constexpr auto kTick = std::chrono::milliseconds(250);

}  // namespace

Watchdog::Watchdog(double limit_seconds, Handlers handlers)
    : limit_seconds_(limit_seconds), handlers_(std::move(handlers)), thread_([this] { run(); }) {}

Watchdog::~Watchdog() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  ended_.notify_one();
  thread_.join();
}

Watchdog::Watch::Watch(Watchdog* dog, const char* operation, const std::string& group) : dog_(dog) {
  if (dog_ != nullptr) entry_ = dog_->add({operation, group, std::chrono::steady_clock::now(), {}});
}

Watchdog::Watch::~Watch() {
  if (dog_ != nullptr) dog_->remove(entry_);
}

void Watchdog::watch_until(const char* operation, const std::string& group, std::function<bool()> finished) {
  add({operation, group, std::chrono::steady_clock::now(), std::move(finished)});
}

Watchdog::Entries::iterator Watchdog::add(Entry entry) {
  const std::lock_guard lock(mutex_);
  return waits_.insert(waits_.end(), std::move(entry));
}

void Watchdog::remove(Entries::iterator entry) {
  const std::lock_guard lock(mutex_);
  waits_.erase(entry);
}

std::optional<Waiting> Watchdog::longest() {
  const std::lock_guard lock(mutex_);
  std::erase_if(waits_, [](const Entry& entry) { return entry.finished && entry.finished(); });
  if (waits_.empty()) return std::nullopt;
  const Entry& entry = waits_.front();
  const std::chrono::duration<double> waited = std::chrono::steady_clock::now() - entry.since;
  return Waiting{entry.operation, entry.group, waited.count()};
}

void Watchdog::run() {
  const auto ending = [this] { return ending_; };
  for (std::unique_lock lock(mutex_); !ended_.wait_for(lock, kTick, ending); lock.lock()) {
    lock.unlock();
    const std::optional<Waiting> waiting = longest();
    handlers_.tick(waiting);
    if (waiting && waiting->seconds > limit_seconds_) handlers_.overdue(*waiting);
  }
}

}  // namespace collie
