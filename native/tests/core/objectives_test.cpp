#include "core/recipe/objectives.h"

#include <doctest/doctest.h>

#include "support.h"

namespace collie {
namespace {

TEST_CASE("an objective takes examples of as many documents as it declares, with a reference where it wants one") {
  const test::TempFolder folder;
  const auto store = [&](bool pairs, bool values) {
    TokenStoreWriter writer(folder.path(), "train");
    for (int i = 0; i < 4; ++i)
      writer.append(std::vector<uint32_t>{1, 2}, std::vector<uint8_t>{0, 1},
                    {.value = values ? std::optional<float>(1.f) : std::nullopt, .same_example = pairs && i % 2 == 1});
    writer.finish();
    return TokenStore::open(folder.path(), "train");
  };
  const auto code = [&](const TokenStore& rows, const ObjectiveRow& objective) {
    return test::code_of([&] { check_examples(rows, "train", objective); });
  };
  const ObjectiveRow paired{"paired", 2, true};
  CHECK(code(store(false, false), objective_row("cross_entropy")) == "none");
  CHECK(code(store(true, false), objective_row("cross_entropy")) == "dataset.unreadable");
  CHECK(code(store(true, true), paired) == "none");
  CHECK(code(store(true, false), paired) == "dataset.unreadable");
  CHECK(code(store(false, true), paired) == "dataset.unreadable");
  CHECK(test::code_of([] { objective_row("none of ours"); }) == "spec.invalid");
}

}  // namespace
}  // namespace collie
