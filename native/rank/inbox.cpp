#include "rank/inbox.h"

#include <algorithm>

#include "core/base/json_parse.h"

namespace collie {

using nlohmann::json;

std::string Inbox::put(const std::string& line) {
  ParsedJson parsed = parse_json(line);
  json& message = parsed.value;
  if (!message.is_object()) return "is not a JSON object";
  const std::lock_guard lock(mutex_);
  if (message.contains("cancel")) {
    const json& id = message["cancel"];
    const bool waits = std::ranges::any_of(waiting_, [&](const json& request) { return request["id"] == id; });
    if (waits || current_id_ == id) cancelled_ids_.push_back(id);
    return "";
  }
  if (!message.contains("id") || message["id"].is_null()) return "has no id";
  waiting_.push_back(std::move(message));
  changed_.notify_one();
  return "";
}

void Inbox::end() {
  const std::lock_guard lock(mutex_);
  ended_ = true;
  changed_.notify_one();
}

std::optional<json> Inbox::take() {
  std::unique_lock lock(mutex_);
  std::erase(cancelled_ids_.get_ref<json::array_t&>(), current_id_);
  current_id_ = nullptr;
  changed_.wait(lock, [&] { return ended_ || !waiting_.empty(); });
  if (ended_) return std::nullopt;
  json request = std::move(waiting_.front());
  waiting_.pop_front();
  current_id_ = request["id"];
  return request;
}

bool Inbox::current_cancelled() const {
  const std::lock_guard lock(mutex_);
  return ended_ || std::ranges::find(cancelled_ids_, current_id_) != cancelled_ids_.end();
}

}  // namespace collie
