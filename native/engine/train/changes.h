// Settings that were changed while the run trained: an entry each in <run>/changes.json, which every later attempt honours at the same steps.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <vector>

namespace collie {

struct Change {
  int64_t step = 0;                     // optimizer steps done when it came: the next step is the first with it
  std::optional<double> learning_rate;  // the peak of the schedule
  std::optional<int64_t> total_steps;   // where the run, and with it the schedule, ends
};

class Changes {
 public:
  Changes() = default;
  // What the spec says, and the changes that are in the run folder. Throws spec.invalid for a damaged file.
  Changes(const std::filesystem::path& run_folder, double learning_rate, int64_t total_steps);

  // In force for the step after `step` done ones.
  double learning_rate(int64_t step) const;
  int64_t total_steps(int64_t step) const;
  // The most steps that this run ever had.
  int64_t most_steps() const;
  bool any_at(int64_t step) const;

  // A later one at the same step adds to the earlier.
  void add(const Change& change);
  // Throws disk.full.
  void write() const;

 private:
  std::filesystem::path path_;
  double learning_rate_ = 0;
  int64_t total_steps_ = 0;
  std::vector<Change> changes_;  // in the order of their steps
};

}  // namespace collie
