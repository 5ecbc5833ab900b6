#include "step_lines_target.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <string_view>

#include "core/base/json_parse.h"
#include "core/formats/step_lines.h"

namespace collie::fuzz {

namespace {

constexpr const char* kStepLine =
    R"({"payload":{"metrics":{"loss":1.5,"tokens":null}},"rank":0,"seq":4,"step":2,"timeUs":50,"type":"step","v":2})";

bool is_same(const nlohmann::json& value, double read) { return std::isnan(read) ? value.is_null() : value == read; }

// Whether a parser of JSON finds the numbers of this row in the line.
bool is_row_of(std::string_view line, const std::vector<double>& row) {
  const ParsedJson parsed = parse_json(line);
  if (!parsed.problem.empty() || !parsed.value.is_object() || parsed.value.value("type", "") != "step") return false;
  const nlohmann::json& event = parsed.value;
  const nlohmann::json& metrics = event["payload"]["metrics"];
  return event["seq"] == row[1] && event["step"] == row[2] && event["timeUs"] == row[3] &&
         is_same(metrics["loss"], row[4]) && is_same(metrics["tokens"], row[5]);
}

}  // namespace

std::string read_step_lines(Bytes bytes) {
  StepLines lines({R"("type":"rank_step","v":2})"});
  lines.learn({{{R"({"payload":{"metrics":{"loss":)", 4},
                {R"(,"tokens":)", 5},
                {R"(}},"rank":0,"seq":)", 1},
                {R"(,"step":)", 2},
                {R"(,"timeUs":)", 3}},
               R"(,"type":"step","v":2})"});
  const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
  std::vector<double> row(6);  // room for one, so that it is known where it was read
  for (size_t from = 0; from < text.size();) {
    const auto [at, filled] = lines.read(text, from, row);
    if (at < from || at > text.size() || (at > 0 && at < text.size() && text[at - 1] != '\n')) std::abort();
    // Lines that were passed over may stand on both sides of the one that was read.
    bool found = filled == 0;
    for (size_t begin = from; begin < at && !found;) {
      const size_t end = std::min(text.find('\n', begin), at);
      found = is_row_of(text.substr(begin, end - begin), row);
      begin = end + 1;
    }
    if (!found) std::abort();
    const size_t newline = text.find('\n', at);
    from = filled > 0 ? at : newline == std::string_view::npos ? text.size() : newline + 1;
  }
  return "read";
}

std::vector<std::string> step_line_seeds() {
  const std::string line = kStepLine,
                    own = R"({"payload":{},"rank":0,"seq":3,"step":1,"timeUs":5,"type":"rank_step","v":2})";
  return {line, line + "\n" + own + "\n" + line + "\n", own, "\n\n" + line};
}

}  // namespace collie::fuzz
