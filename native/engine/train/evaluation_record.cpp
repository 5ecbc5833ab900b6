#include "engine/train/evaluation_record.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "core/base/file.h"

namespace collie {

namespace fs = std::filesystem;
using nlohmann::json;

namespace {

constexpr std::string_view kPrefix = "step-", kSuffix = ".jsonl", kRawSuffix = ".raw.jsonl";

std::string name_of(int64_t step, std::string_view suffix = kSuffix) {
  const std::string digits = std::to_string(step);
  return std::string(kPrefix) + std::string(8 - std::min<size_t>(digits.size(), 8), '0') + digits + std::string(suffix);
}

struct Record {
  fs::path path;
  int64_t step = 0;
};

// By rising step. Other files are none of ours.
std::vector<Record> records_in(const fs::path& folder) {
  std::vector<Record> records;
  if (!fs::is_directory(folder)) return records;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(kPrefix) || !name.ends_with(kSuffix)) continue;
    int64_t step = 0;
    const char* begin = name.data() + kPrefix.size();
    if (std::from_chars(begin, name.data() + name.size(), step).ptr != begin) records.push_back({entry.path(), step});
  }
  std::ranges::sort(records, {}, &Record::step);
  return records;
}

double loss_of(const Record& record) {
  std::ifstream file(record.path);
  std::string head;
  std::getline(file, head);
  return json::parse(head).at("loss").get<double>();
}

}  // namespace

void EvaluationRecords::write(int64_t step, const EvaluationResult& result) const {
  fs::create_directories(folder_);
  int64_t targets = 0;
  for (const EvaluatedRow& row : result.rows) targets += row.sums.targets;
  OutputFile file(folder_ / name_of(step));
  const auto line = [&](const json& value) { file.append(value.dump() + "\n"); };
  line({{"v", 1},
        {"step", step},
        {"rows", result.rows.size()},
        {"loss", result.metrics.at("loss")},
        {"target_tokens", targets}});
  for (const EvaluatedRow& row : result.rows)
    line({{"row", row.row}, {"loss", row.sums.loss}, {"targets", row.sums.targets}, {"correct", row.sums.correct}});
  file.commit();
  const std::vector<Record> all = records_in(folder_);
  const auto best = std::ranges::min_element(all, {}, loss_of);
  for (auto record = all.begin(); record != all.end(); ++record)
    if (record != all.begin() && record != best && record + 1 != all.end()) fs::remove(record->path);
}

void EvaluationRecords::write_raw(const std::string& set, int64_t step, const std::vector<std::string>& lines) const {
  fs::create_directories(folder_ / set);
  OutputFile file(folder_ / set / name_of(step, kRawSuffix));
  file.append(json{{"v", 1}, {"step", step}, {"lines", lines.size()}}.dump() + "\n");
  for (const std::string& line : lines) file.append(line + "\n");
  file.commit();
}

void EvaluationRecords::forget_beyond(int64_t step) const {
  if (!fs::is_directory(folder_)) return;
  const auto forget = [&](const fs::path& folder) {
    for (const Record& record : records_in(folder))
      if (record.step > step) fs::remove(record.path);
  };
  forget(folder_);
  for (const fs::directory_entry& entry : fs::directory_iterator(folder_))
    if (entry.is_directory()) forget(entry.path());
}

}  // namespace collie
