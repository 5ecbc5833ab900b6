#include "core/formats/step_lines.h"

#include <charconv>
#include <cmath>
#include <cstring>
#include <limits>

#include "core/base/error.h"

namespace collie {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// Walks over a line. Nothing is read beyond its bytes, which end where the file's piece does.
class Cursor {
 public:
  Cursor(const char* at, const char* end) : at_(at), end_(end) {}

  const char* at() const { return at_; }
  bool at_line_end() const { return at_ == end_ || *at_ == '\n'; }

  bool text(std::string_view expected) {
    if (static_cast<size_t>(end_ - at_) < expected.size() || std::memcmp(at_, expected.data(), expected.size()) != 0)
      return false;
    at_ += expected.size();
    return true;
  }

  // A number as JSON writes them, to the nearest double. False also for one beyond all doubles, of which readers think differently.
  bool number(double& value) {
    const char* const begin = at_;
    const char* at = begin;
    if (at != end_ && *at == '-') ++at;
    const char* const first = at;
    at = digits(at);
    if (at == first || (at - first > 1 && *first == '0')) return false;
    if (at != end_ && *at == '.') {
      const char* const fraction = ++at;
      at = digits(at);
      if (at == fraction) return false;
    }
    if (at != end_ && (*at == 'e' || *at == 'E')) {
      ++at;
      if (at != end_ && (*at == '+' || *at == '-')) ++at;
      const char* const exponent = at;
      at = digits(at);
      if (at == exponent) return false;
    }
    const auto [behind, problem] = std::from_chars(begin, at, value);
    if (problem != std::errc() || behind != at) return false;
    at_ = at;
    return true;
  }

 private:
  const char* digits(const char* at) const {
    while (at != end_ && is_digit(*at)) ++at;
    return at;
  }

  const char* at_;
  const char* end_;
};

bool is_count(double value) { return value >= 0 && std::floor(value) == value; }

// The line from the cursor as one of this form; the cursor is behind it then.
bool read_line(const StepForm& form, Cursor& cursor, double* row) {
  for (const auto& [before, place] : form.slots) {
    if (!cursor.text(before)) return false;
    double& value = row[place];
    const bool counted = place == kSeqPlace || place == kStepPlace;
    if (cursor.number(value)) {
      if (counted && !is_count(value)) return false;
    } else {
      if (place < kFirstMetricPlace || !cursor.text("null")) return false;
      value = std::numeric_limits<double>::quiet_NaN();
    }
  }
  return cursor.text(form.end) && cursor.at_line_end();
}

}  // namespace

void StepLines::learn(StepForm form) {
  std::vector<bool> filled(form.slots.size() + 1);
  for (const auto& [before, place] : form.slots) {
    if (place == 0 || place >= filled.size() || filled[place])
      throw Error("internal", "the slots of a step's line do not fill a row");
    filled[place] = true;
  }
  if (filled.size() < kFirstMetricPlace) throw Error("internal", "a step's line has seq, step and timeUs");
  forms_.push_back(std::move(form));
}

bool StepLines::is_passed_over(std::string_view line) const {
  for (const std::string& end : passed_over_)
    if (line.ends_with(end)) return true;
  return false;
}

StepLines::Read StepLines::read(std::string_view bytes, size_t from, std::span<double> rows) const {
  const char* const end = bytes.data() + bytes.size();
  const char* at = bytes.data() + from;
  size_t filled = 0, last = 0;
  while (at < end) {
    bool read = false;
    // As the line before, most of the time.
    for (size_t k = 0; k < forms_.size() && !read; ++k) {
      const size_t number = (last + k) % forms_.size();
      const StepForm& form = forms_[number];
      const size_t width = form.slots.size() + 1;
      if (rows.size() - filled < width) continue;
      Cursor cursor(at, end);
      if (!read_line(form, cursor, rows.data() + filled)) continue;
      rows[filled] = static_cast<double>(number);
      filled += width;
      at = cursor.at();
      last = number;
      read = true;
    }
    if (!read) {
      const void* const newline = std::memchr(at, '\n', static_cast<size_t>(end - at));
      const char* const line_end = newline == nullptr ? end : static_cast<const char*>(newline);
      if (!is_passed_over({at, line_end})) break;
      at = line_end;
    }
    if (at < end) ++at;  // the newline
  }
  return {static_cast<size_t>(at - bytes.data()), filled};
}

}  // namespace collie
