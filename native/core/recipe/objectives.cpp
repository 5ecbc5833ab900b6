#include "core/recipe/objectives.h"

#include <array>

#include "core/base/error.h"

namespace collie {

namespace {

constexpr std::array<ObjectiveRow, 1> kRows = {{{"cross_entropy", 1, false}}};

[[noreturn]] void fail(const char* split, const std::string& problem, const ObjectiveRow& objective) {
  throw Error(
      "dataset.unreadable",
      std::string("The ") + split + " split does not fit the objective " + objective.type + ": " + problem + ".",
      "Remove the data folder of the run: a resume prepares it again from the dataset.", {{"split", split}});
}

}  // namespace

std::span<const ObjectiveRow> objective_rows() { return kRows; }

const ObjectiveRow& objective_row(const std::string& type) {
  for (const ObjectiveRow& row : kRows)
    if (type == row.type) return row;
  throw Error("spec.invalid", "This build has no objective \"" + type + "\".");
}

void check_examples(const TokenStore& store, const char* split, const ObjectiveRow& objective) {
  const std::span<const uint64_t> groups = store.groups();
  const auto wanted = static_cast<uint64_t>(objective.documents);
  if (groups.empty() && wanted != 1)
    fail(split, "its examples have 1 document, not " + std::to_string(wanted), objective);
  for (size_t i = 0; i + 1 < groups.size(); ++i)
    if (const uint64_t count = groups[i + 1] - groups[i]; count != wanted)
      fail(split,
           "example " + std::to_string(i) + " has " + std::to_string(count) + " documents, not " +
               std::to_string(wanted),
           objective);
  if (objective.reference && store.values().empty())
    fail(split, "it has no log-probabilities of a reference", objective);
}

}  // namespace collie
