#include "engine/train/changes.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/base/file.h"
#include "core/base/json_reader.h"

namespace collie {

namespace fs = std::filesystem;
using nlohmann::json;

namespace {

constexpr int64_t kVersion = 1;

Change change_of(const json& entry) {
  JsonReader reader(entry, "changes");
  Change change{reader.integer("step", 0), {}, {}};
  if (reader.has("learning_rate")) change.learning_rate = reader.number("learning_rate", 0, 1);
  if (reader.has("total_steps")) change.total_steps = reader.integer("total_steps", 1);
  reader.finish();
  return change;
}

}  // namespace

Changes::Changes(const fs::path& run_folder, double learning_rate, int64_t total_steps)
    : path_(run_folder / "changes.json"), learning_rate_(learning_rate), total_steps_(total_steps) {
  if (!fs::exists(path_)) return;
  const json document = read_json_file(path_);
  JsonReader reader(document, "changes.json");
  reader.integer("v", kVersion, kVersion);
  for (const json& entry : reader.value("changes")) add(change_of(entry));
  reader.finish();
}

double Changes::learning_rate(int64_t step) const {
  double rate = learning_rate_;
  for (const Change& change : changes_)
    if (change.step <= step) rate = change.learning_rate.value_or(rate);
  return rate;
}

int64_t Changes::total_steps(int64_t step) const {
  int64_t steps = total_steps_;
  for (const Change& change : changes_)
    if (change.step <= step) steps = change.total_steps.value_or(steps);
  return steps;
}

int64_t Changes::most_steps() const {
  int64_t most = total_steps_;
  for (const Change& change : changes_) most = std::max(most, change.total_steps.value_or(0));
  return most;
}

bool Changes::any_at(int64_t step) const {
  return std::ranges::any_of(changes_, [&](const Change& change) { return change.step == step; });
}

void Changes::add(const Change& change) {
  const auto later = std::ranges::find_if(changes_, [&](const Change& other) { return other.step > change.step; });
  changes_.insert(later, change);
}

void Changes::write() const {
  json all = json::array();
  for (const Change& change : changes_) {
    json entry = {{"step", change.step}};
    if (change.learning_rate) entry["learning_rate"] = *change.learning_rate;
    if (change.total_steps) entry["total_steps"] = *change.total_steps;
    all.push_back(entry);
  }
  write_file(path_, json{{"v", kVersion}, {"changes", all}}.dump() + "\n");
}

}  // namespace collie
