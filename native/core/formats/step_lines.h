// Lines of steps in an events file, read by their form: the lines of a run differ in their numbers only. Whoever has parsed one of them says what stands
// between its numbers; a line where the same stands between numbers is the same event with other numbers. Whatever else there is, is left to who asked.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace collie {

struct StepForm {
  struct Slot {
    std::string before;  // what stands before a number
    size_t place;        // where in the row it goes, from 1: seq, step and timeUs, then the metrics
  };
  std::vector<Slot> slots;  // as many as there are places
  std::string end;          // from the last number to the end of the line
};

// Places that are no metrics: only these may not be null, and the first two are counts.
constexpr size_t kSeqPlace = 1, kStepPlace = 2, kTimePlace = 3, kFirstMetricPlace = 4;

class StepLines {
 public:
  // Lines that end so are passed over.
  explicit StepLines(std::vector<std::string> passed_over) : passed_over_(std::move(passed_over)) {}

  // Throws Error `internal` for slots that do not fill a row.
  void learn(StepForm form);

  struct Read {
    // A line's start: of the first that is of no form, or for which there was no room; else the end of the bytes.
    size_t at;
    size_t filled;  // numbers in `rows`
  };
  // Reads line after line from `from`, a line's start. A row is the number of its form, then a number for each place; NaN for null.
  Read read(std::string_view bytes, size_t from, std::span<double> rows) const;

 private:
  bool is_passed_over(std::string_view line) const;

  std::vector<std::string> passed_over_;
  std::vector<StepForm> forms_;
};

}  // namespace collie
