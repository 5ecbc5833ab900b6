// What the outside asks of a running training, taken up at the end of the current step. Set from any thread.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "engine/objective/metrics.h"
#include "engine/train/changes.h"

namespace collie {

// What the host makes of an evaluated set.
struct Scores {
  std::string set;
  int64_t step = 0;
  Metrics metrics;
  std::string problem;  // why there are none; else empty
};

// Somebody asks the model while it trains (engine/train/live_answers.h).
struct Question {
  std::string id;
  std::string request;  // JSON
};

// What has been asked for since the last look.
struct Requests {
  bool stop = false;
  bool paused = false;    // the training is to be held between two steps, with all its memory
  bool question = false;  // one waits
  bool save = false;
  bool sample = false;
  bool evaluate = false;
  std::optional<int64_t> end_epoch;  // stop when the epoch of this step is over, or the current one where that is later
  std::optional<Change> change;
};

class Control {
 public:
  void request_stop() { stop_ = true; }
  void request_pause(bool paused) { paused_ = paused; }
  void request_save() {
    once([](Requests& asked) { asked.save = true; });
  }
  void request_sample() {
    once([](Requests& asked) { asked.sample = true; });
  }
  void request_evaluation() {
    once([](Requests& asked) { asked.evaluate = true; });
  }
  void request_end_of_epoch(int64_t step) {
    once([&](Requests& asked) { asked.end_epoch = step; });
  }
  void request_change(const Change& change) {
    once([&](Requests& asked) {
      Change& all = asked.change ? *asked.change : asked.change.emplace();
      if (change.learning_rate) all.learning_rate = change.learning_rate;
      if (change.total_steps) all.total_steps = change.total_steps;
    });
  }

  bool stop_requested() const { return stop_; }
  // Forgets those that are done once.
  Requests take_requests() {
    const std::lock_guard lock(mutex_);
    Requests asked = std::exchange(once_, {});
    asked.stop = stop_;
    asked.paused = paused_;
    asked.question = !questions_.empty();
    return asked;
  }

  void put_question(Question question) {
    const std::lock_guard lock(mutex_);
    questions_.push_back(std::move(question));
  }
  // One that waits is forgotten, one that is being answered ends early.
  void cancel_question(const std::string& id) {
    const std::lock_guard lock(mutex_);
    std::erase_if(questions_, [&](const Question& question) { return question.id == id; });
    if (answering_ == id) cancelled_ = true;
  }
  void cancel_answer() {
    const std::lock_guard lock(mutex_);
    cancelled_ = true;
  }
  // The next that waits: it counts as the one that is being answered until the next call.
  std::optional<Question> take_question() {
    const std::lock_guard lock(mutex_);
    cancelled_ = false;
    answering_.clear();
    if (questions_.empty()) return std::nullopt;
    Question next = std::move(questions_.front());
    questions_.pop_front();
    answering_ = next.id;
    return next;
  }
  bool answer_cancelled() const {
    const std::lock_guard lock(mutex_);
    return cancelled_;
  }

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
  void once(const std::function<void(Requests&)>& ask) {
    const std::lock_guard lock(mutex_);
    ask(once_);
  }

  std::atomic<bool> stop_ = false;  // set from a signal's thread, read between tokens
  std::atomic<bool> paused_ = false;
  mutable std::mutex mutex_;
  Requests once_;
  std::condition_variable changed_;
  std::deque<Scores> scores_;
  std::deque<Question> questions_;
  std::string answering_;
  bool cancelled_ = false;
  bool ended_ = false;
};

}  // namespace collie
