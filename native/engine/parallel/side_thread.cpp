#include "engine/parallel/side_thread.h"

#include <utility>

namespace collie {

SideThread::SideThread(Overlap overlap) {
  if (overlap == Overlap::beside_compute) thread_ = std::thread([this] { run(); });
}

SideThread::~SideThread() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    ends_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void SideThread::start(std::function<void()> work) {
  if (!thread_.joinable()) return work();
  const std::lock_guard lock(mutex_);
  queue_.push_back(std::move(work));
  changed_.notify_all();
}

void SideThread::wait() {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [this] { return queue_.empty() && !busy_; });
  if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
}

void SideThread::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    changed_.wait(lock, [this] { return ends_ || !queue_.empty(); });
    if (queue_.empty()) return;
    const std::function<void()> work = std::move(queue_.front());
    queue_.pop_front();
    busy_ = true;
    std::exception_ptr failure;
    if (!failure_) {
      lock.unlock();
      try {
        work();
      } catch (...) {
        failure = std::current_exception();
      }
      lock.lock();
    }
    if (failure) failure_ = failure;
    busy_ = false;
    changed_.notify_all();
  }
}

}  // namespace collie
