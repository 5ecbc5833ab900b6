// Notices what takes too long. Whoever waits for other ranks says so before and after; a thread looks at who still waits, and once
// one wait is over the limit it calls for help.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

namespace collie {

// What a rank waits in, and since when.
struct Waiting {
  std::string operation, group;
  double seconds = 0;
};

class Watchdog {
 public:
  // Both are called on the watchdog's thread: four times a second, `tick` with the longest wait there is, `overdue` as well while it is
  // beyond the limit.
  struct Handlers {
    std::function<void(const std::optional<Waiting>&)> tick;
    std::function<void(const Waiting&)> overdue;
  };
  Watchdog(double limit_seconds, Handlers handlers);
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  class Watch;
  // A wait that goes on after the call, until finished() is true, which any thread may be asked at any time.
  void watch_until(const char* operation, const std::string& group, std::function<bool()> finished);

 private:
  struct Entry {
    std::string operation, group;
    std::chrono::steady_clock::time_point since;
    std::function<bool()> finished;  // empty: ends with its Watch
  };
  using Entries = std::list<Entry>;

  Entries::iterator add(Entry entry);
  void remove(Entries::iterator entry);
  std::optional<Waiting> longest();
  void run();

  const double limit_seconds_;
  const Handlers handlers_;
  std::mutex mutex_;
  std::condition_variable ended_;
  bool ending_ = false;
  Entries waits_;       // oldest first
  std::thread thread_;  // last: it uses all of the above
};

// A wait of as long as this lives; of nobody's interest without a watchdog.
class Watchdog::Watch {
 public:
  Watch(Watchdog* dog, const char* operation, const std::string& group);
  ~Watch();
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;

 private:
  Watchdog* dog_;
  Entries::iterator entry_;
};

}  // namespace collie
