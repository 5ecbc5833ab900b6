// SIGTERM and SIGINT as a function call on a thread, instead of an interruption at any place.
#pragma once

#include <functional>
#include <thread>

namespace collie {

class SignalWatcher {
 public:
  // To be made before any other thread is: threads inherit the blocked signals. `on_signal` runs on the watcher's thread.
  explicit SignalWatcher(std::function<void()> on_signal);
  ~SignalWatcher();
  SignalWatcher(const SignalWatcher&) = delete;
  SignalWatcher& operator=(const SignalWatcher&) = delete;

 private:
  std::function<void()> on_signal_;
  std::thread thread_;
};

}  // namespace collie
