#include "engine/train/best_checkpoints.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "core/base/file.h"
#include "core/base/json_reader.h"
#include "engine/checkpoint/checkpoint.h"

namespace collie {

namespace fs = std::filesystem;
using nlohmann::json;

BestCheckpoints::BestCheckpoints(const BestSpec& spec, const fs::path& run_folder, int64_t from_step)
    : spec_(spec), path_(run_folder / "checkpoints" / "best.json") {
  if (from_step == 0 || !fs::exists(path_)) return;
  const json document = read_json_file(path_);
  if (document.value("by", "") != spec.name()) return;  // of another metric
  for (const json& one : document.at("measured"))
    if (const int64_t step = one.at("step"); step <= from_step && one.at("value").is_number())
      measured_.push_back({step, one.at("value")});
}

BestCheckpoints::Decision BestCheckpoints::see(int64_t step, double value) {
  std::erase_if(measured_, [&](const Measured& one) { return one.step >= step; });
  measured_.push_back({step, value});
  write();
  const std::vector<Measured> kept = best();
  Decision decision;
  decision.save = std::ranges::any_of(kept, [&](const Measured& one) { return one.step == step; });
  decision.stop = spec_.patience > 0 && without_improvement() >= spec_.patience;
  return decision;
}

std::vector<BestCheckpoints::Measured> BestCheckpoints::best() const {
  std::vector<Measured> all;
  for (const Measured& one : measured_)
    if (one.step > 0 && std::isfinite(one.value)) all.push_back(one);
  std::ranges::stable_sort(all, [&](const Measured& a, const Measured& b) { return better(a.value, b.value); });
  if (static_cast<int64_t>(all.size()) > spec_.keep) all.resize(static_cast<size_t>(spec_.keep));
  return all;
}

std::vector<std::string> BestCheckpoints::names() const {
  std::vector<std::string> names;
  for (const Measured& one : best()) names.push_back(checkpoint_name(one.step));
  return names;
}

// The evaluation before training counts as the first that improved.
int64_t BestCheckpoints::without_improvement() const {
  std::optional<double> mark;
  int64_t since = 0;
  for (const auto& [step, value] : measured_) {
    const double gain = mark ? (spec_.highest ? value - *mark : *mark - value) : 0;
    const bool improved = std::isfinite(value) && (!mark || (gain > 0 && gain >= spec_.min_delta));
    if (improved) mark = value;
    since = improved ? 0 : since + 1;
  }
  return since;
}

void BestCheckpoints::write() const {
  json measured = json::array();
  for (const Measured& one : measured_) measured.push_back({{"step", one.step}, {"value", one.value}});
  json kept = json::array();
  for (const Measured& one : best())
    kept.push_back({{"name", checkpoint_name(one.step)}, {"step", one.step}, {"value", one.value}});
  fs::create_directories(path_.parent_path());
  OutputFile file(path_);
  file.append(
      json{{"v", 1}, {"by", spec_.name()}, {"highest", spec_.highest}, {"best", kept}, {"measured", measured}}.dump() +
      "\n");
  file.commit();
}

}  // namespace collie
