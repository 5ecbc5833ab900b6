// Requests to the serving rank, put in by the reading thread and taken out by the computing one.
#pragma once

#include <condition_variable>
#include <deque>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

namespace collie {

class Inbox {
 public:
  // A line of input: a request {"id", ...}, or {"cancel": id} for a request that waits or runs. Returns what is wrong with
  // the line, empty when nothing is.
  std::string put(const std::string& line);
  // No more input will come.
  void end();

  // Waits for the next request; nullopt at the end of input. It counts as the running one until the next call.
  std::optional<nlohmann::json> take();
  // True when the running request was cancelled, or nobody listens any more.
  bool current_cancelled() const;

 private:
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<nlohmann::json> waiting_;
  nlohmann::json current_id_;
  nlohmann::json cancelled_ids_ = nlohmann::json::array();
  bool ended_ = false;
};

}  // namespace collie
