// One more thread for communication, beside the one that computes.
#pragma once

#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>

namespace collie {

// Whether communication runs on a thread of its own while the model computes. On a GPU never: what is in its stream has to be in an
// order that all ranks have, across all their groups.
enum class Overlap { none, beside_compute };

// Does what it is given, in order: on a thread of its own, or, with Overlap::none, at once.
class SideThread {
 public:
  explicit SideThread(Overlap overlap);
  ~SideThread();  // after what is queued
  SideThread(const SideThread&) = delete;

  // After a failure nothing more is done until wait() has thrown it.
  void start(std::function<void()> work);
  // Until all that was given is done. Throws the first failure.
  void wait();

 private:
  void run();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> queue_;
  bool busy_ = false, ends_ = false;
  std::exception_ptr failure_;
  std::thread thread_;  // last: it uses the others
};

}  // namespace collie
