// What the outside asks of a running training, taken up at the end of the current step. Set from any thread.
#pragma once

#include <atomic>

namespace collie {

class Control {
 public:
  void request_stop() { stop_ = true; }
  void request_save() { save_ = true; }
  void request_sample() { sample_ = true; }

  bool stop_requested() const { return stop_; }
  // True once for any number of requests before it.
  bool take_save() { return save_.exchange(false); }
  bool take_sample() { return sample_.exchange(false); }

 private:
  std::atomic<bool> stop_ = false;
  std::atomic<bool> save_ = false;
  std::atomic<bool> sample_ = false;
};

}  // namespace collie
