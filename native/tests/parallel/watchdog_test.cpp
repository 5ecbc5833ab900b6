// The watchdog itself, without MPI.
#include "engine/parallel/watchdog.h"

#include <doctest/doctest.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <vector>

#include "parallel/ranks.h"

namespace collie {

namespace {

// What a watchdog has called for, and a way to wait for it.
class Calls {
 public:
  Watchdog::Handlers handlers() {
    return {[this](const std::optional<Waiting>&) {
              const std::lock_guard lock(mutex_);
              ++ticks_;
              changed_.notify_all();
            },
            [this](const Waiting& waiting) {
              const std::lock_guard lock(mutex_);
              overdue_.push_back(waiting);
              changed_.notify_all();
            }};
  }
  Waiting first_overdue() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !overdue_.empty(); });
    return overdue_.front();
  }
  void wait_for_ticks(int n) {
    std::unique_lock lock(mutex_);
    const int end = ticks_ + n;
    changed_.wait(lock, [&] { return ticks_ >= end; });
  }
  size_t n_overdue() {
    const std::lock_guard lock(mutex_);
    return overdue_.size();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  int ticks_ = 0;
  std::vector<Waiting> overdue_;
};

}  // namespace

TEST_CASE("the watchdog calls for the oldest wait that is over the limit, not for waits that end" *
          doctest::skip(!Ranks::among({1}))) {
  Calls calls;
  Watchdog dog(0.6, calls.handlers());
  for (int i = 0; i < 5; ++i) {
    const Watchdog::Watch short_wait(&dog, "barrier", "world");
    calls.wait_for_ticks(1);
  }
  CHECK(calls.n_overdue() == 0);
  const Watchdog::Watch hung(&dog, "all_reduce", "pipeline");
  const Watchdog::Watch later(&dog, "broadcast", "world");
  const Waiting waiting = calls.first_overdue();
  CHECK(waiting.operation == "all_reduce");
  CHECK(waiting.group == "pipeline");
  CHECK(waiting.seconds > 0.6);
  CHECK(waiting.seconds < 2);
}

TEST_CASE("a wait that goes on by itself ends when it says so" * doctest::skip(!Ranks::among({1}))) {
  Calls calls;
  Watchdog dog(0.6, calls.handlers());
  std::atomic<bool> finished = false;
  dog.watch_until("send", "pipeline", [&] { return finished.load(); });
  finished = true;
  calls.wait_for_ticks(4);
  CHECK(calls.n_overdue() == 0);
  dog.watch_until("receive", "pipeline", [] { return false; });
  CHECK(calls.first_overdue().operation == "receive");
}

}  // namespace collie
