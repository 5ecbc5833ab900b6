// What the outside asks of a running training, taken up at the end of the current step. Set from any thread.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <string>

#include "engine/objective/metrics.h"

namespace collie {

// What the host makes of an evaluated set.
struct Scores {
  std::string set;
  int64_t step = 0;
  Metrics metrics;
  std::string problem;  // why there are none; else empty
};

class Control {
 public:
  void request_stop() { stop_ = true; }
  void request_save() { save_ = true; }
  void request_sample() { sample_ = true; }

  bool stop_requested() const { return stop_; }
  // True once for any number of requests before it.
  bool take_save() { return save_.exchange(false); }
  bool take_sample() { return sample_.exchange(false); }

  void put_scores(Scores scores) {
    const std::lock_guard lock(mutex_);
    scores_.push_back(std::move(scores));
    changed_.notify_one();
  }
  // Nobody is there any more.
  void end() {
    request_stop();
    const std::lock_guard lock(mutex_);
    ended_ = true;
    changed_.notify_one();
  }
  // Waits for those of this set and step, and forgets older ones; nullopt where nobody is there to say them.
  std::optional<Scores> wait_scores(const std::string& set, int64_t step) {
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, [&] { return ended_ || !scores_.empty(); });
      if (scores_.empty()) return std::nullopt;
      Scores next = std::move(scores_.front());
      scores_.pop_front();
      if (next.set == set && next.step == step) return next;
    }
  }

 private:
  std::atomic<bool> stop_ = false;
  std::atomic<bool> save_ = false;
  std::atomic<bool> sample_ = false;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Scores> scores_;
  bool ended_ = false;
};

}  // namespace collie
