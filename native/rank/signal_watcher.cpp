#include "rank/signal_watcher.h"

#include <pthread.h>

#include <csignal>
#include <utility>

namespace collie {

namespace {

constexpr int kEndWatching = SIGUSR2;  // from the destructor

sigset_t watched_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, kEndWatching);
  return signals;
}

}  // namespace

SignalWatcher::SignalWatcher(std::function<void()> on_signal) : on_signal_(std::move(on_signal)) {
  const sigset_t signals = watched_signals();
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  thread_ = std::thread([this, signals] {
    int received = 0;
    while (sigwait(&signals, &received) == 0 && received != kEndWatching) on_signal_();
  });
}

SignalWatcher::~SignalWatcher() {
  pthread_kill(thread_.native_handle(), kEndWatching);
  thread_.join();
}

}  // namespace collie
