#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include "core/base/error.h"
#include "engine/train/batch_loader.h"
#include "engine/train/evaluation.h"
#include "temporary_store.h"

using namespace collie;
using test::Row;
using test::TemporaryStore;

namespace {

// Row i has i + 3 tokens, all but the first two of them targets.
std::vector<Row> growing_rows(int count) {
  std::vector<Row> rows;
  for (int i = 0; i < count; ++i) {
    Row row{std::vector<uint32_t>(i + 3, static_cast<uint32_t>(i)), std::vector<uint8_t>(i + 3, 1)};
    row.mask[0] = row.mask[1] = 0;
    rows.push_back(row);
  }
  return rows;
}

BatchShape shape(int64_t micro, int64_t accumulation, bool packing = false) {
  return {micro, accumulation, 64, packing};
}

std::vector<int64_t> rows_of(const StepPlan& plan) {
  std::vector<int64_t> rows;
  for (const auto& micro_batch : plan.micro_batches) rows.insert(rows.end(), micro_batch.begin(), micro_batch.end());
  return rows;
}

}  // namespace

TEST_CASE("targets are the next tokens where the mask says so; positions restart in every document") {
  const TemporaryStore store({{{5, 6, 7, 8}, {1, 0, 1, 1}}, {{9, 10}, {0, 1}}});
  const std::vector<int64_t> rows = {1, 0};
  const PackedBatch batch = pack(*store, rows);
  CHECK(batch.ids_N == std::vector<int32_t>{9, 10, 5, 6, 7, 8});
  CHECK(batch.positions_N == std::vector<int32_t>{0, 1, 0, 1, 2, 3});
  CHECK(batch.targets_N == std::vector<int32_t>{10, -1, -1, 7, 8, -1});
  CHECK(batch.doc_offsets == std::vector<int32_t>{0, 2, 6});
  CHECK(count_targets((*store)[0]) == 2);  // the first token never counts, whatever its mask says
}

TEST_CASE("targets carry their weights, a step what they weigh; a weight of nothing is refused") {
  const TemporaryStore store({{{5, 6, 7}, {0, 1, 1}, {1, 0.5f, 2}}, {{9, 10}, {0, 1}}});
  const std::vector<int64_t> rows = {0, 1};
  CHECK(pack(*store, rows).weights_N == std::vector<float>{0.5f, 2, 0, 1, 0});
  BatchLoader loader(*store, shape(2, 1), 1, {DurationUnit::epochs, 1});
  CHECK(loader.at(0).targets == 3);
  CHECK(loader.at(0).weight == 3.5);
  const TemporaryStore plain({{{5, 6, 7}, {0, 1, 1}}});
  CHECK(pack(*plain, std::vector<int64_t>{0}).weights_N.empty());
  CHECK(target_weight((*plain)[0]) == 2);
  const TemporaryStore nothing({{{5, 6}, {0, 1}, {1, 0}}});
  try {
    check_documents(*nothing, "train", 64, 100);
    FAIL("a weight of 0 was taken");
  } catch (const Error& error) {
    CHECK(error.code() == "dataset.bad_row");
  }
}

TEST_CASE("every row is trained once an epoch, the last step may be smaller, epochs are fractions") {
  const TemporaryStore store(growing_rows(10));
  BatchLoader loader(*store, shape(2, 2), 1, {DurationUnit::epochs, 2});
  REQUIRE(loader.total_steps() == 6);
  std::multiset<int64_t> seen;
  for (int64_t step = 0; step < 3; ++step)
    for (const int64_t row : rows_of(loader.at(step))) seen.insert(row);
  CHECK(seen == std::multiset<int64_t>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9});
  CHECK(loader.at(2).micro_batches.size() == 1);
  CHECK(loader.at(0).epoch_done == doctest::Approx(1.0 / 3));
  CHECK(loader.at(2).epoch_done == doctest::Approx(1.0));
  CHECK(loader.at(3).epoch == 1);
  CHECK(rows_of(loader.at(3)) != rows_of(loader.at(0)));  // another order
}

TEST_CASE("a step is the same whoever asks and whenever") {
  const TemporaryStore store(growing_rows(17));
  BatchLoader straight(*store, shape(2, 2), 5, {DurationUnit::steps, 20});
  BatchLoader resumed(*store, shape(2, 2), 5, {DurationUnit::steps, 20});
  const StepPlan late = resumed.at(13);
  for (int64_t step = 0; step < 13; ++step) straight.at(step);
  CHECK(straight.at(13).micro_batches == late.micro_batches);
  CHECK(straight.total_steps() == 20);
}

TEST_CASE("8 x 1 and 1 x 8 are the same rows in the same order, with the same counts") {
  const TemporaryStore store(growing_rows(20));
  BatchLoader wide(*store, shape(8, 1), 3, {DurationUnit::epochs, 1});
  BatchLoader deep(*store, shape(1, 8), 3, {DurationUnit::epochs, 1});
  REQUIRE(wide.total_steps() == deep.total_steps());
  for (int64_t step = 0; step < wide.total_steps(); ++step) {
    const StepPlan a = wide.at(step), b = deep.at(step);
    CHECK(rows_of(a) == rows_of(b));
    CHECK(a.targets == b.targets);
    CHECK(a.tokens == b.tokens);
  }
  CHECK(wide.largest_micro_batch() > deep.largest_micro_batch());
  CHECK(deep.largest_micro_batch() == 22);
  CHECK(deep.longest_document() == 22);
}

TEST_CASE("counts of a step are those of its batches; the largest micro-batch really is") {
  const TemporaryStore store(growing_rows(23));
  BatchLoader loader(*store, shape(3, 2, true), 3, {DurationUnit::epochs, 3});
  int64_t largest = 0;
  for (int64_t step = 0; step < loader.total_steps(); ++step) {
    const StepPlan plan = loader.at(step);
    int64_t tokens = 0, targets = 0;
    for (const auto& rows : plan.micro_batches) {
      const PackedBatch batch = pack(*store, rows);
      largest = std::max(largest, batch.n_tokens());
      tokens += batch.n_tokens();
      targets += batch.n_targets();
    }
    CHECK(tokens == plan.tokens);
    CHECK(targets == plan.targets);
  }
  CHECK(largest == loader.largest_micro_batch());
}

TEST_CASE("fractions of epochs are rounded up to whole steps, but not by a rounding error") {
  const TemporaryStore store(growing_rows(10));
  const auto steps = [&](double epochs) {
    return BatchLoader(*store, shape(1, 1), 3, {DurationUnit::epochs, epochs}).total_steps();
  };
  CHECK(steps(0.01) == 1);
  CHECK(steps(0.25) == 3);
  CHECK(steps(1.1) == 11);
  CHECK(steps(3) == 30);
}

TEST_CASE("rows without targets are left out and counted") {
  std::vector<Row> rows = growing_rows(4);
  rows[2].mask.assign(rows[2].mask.size(), 0);
  const TemporaryStore store(rows);
  BatchLoader loader(*store, shape(1, 1), 3, {DurationUnit::epochs, 1});
  CHECK(loader.rows_without_targets() == 1);
  CHECK(loader.total_steps() == 3);
  for (int64_t step = 0; step < 3; ++step) CHECK(loader.at(step).targets > 0);
}

TEST_CASE("too long rows, foreign ids, no rows and masked rows are errors that name them") {
  const TemporaryStore store(growing_rows(5));
  CHECK_NOTHROW(check_documents(*store, "train", 7, 5));
  CHECK_THROWS_WITH_AS(check_documents(*store, "train", 6, 5),
                       doctest::Contains("Row 4 of the train split has 7 tokens"), Error);
  CHECK_THROWS_WITH_AS(check_documents(*store, "train", 7, 4), doctest::Contains("token id 4"), Error);
  std::vector<Row> masked = growing_rows(1);
  masked[0].mask.assign(3, 0);
  const TemporaryStore no_targets(masked);
  CHECK_THROWS_WITH_AS(check_documents(*no_targets, "train", 7, 5),
                       doctest::Contains("has a token that the loss counts"), Error);
}

TEST_CASE("evaluation takes the first rows that have targets, within the training's memory") {
  std::vector<Row> rows = growing_rows(6);  // 3, 4, 5, 6, 7, 8 tokens
  rows[1].mask.assign(4, 0);
  const TemporaryStore store(rows);
  const EvaluationSet set(*store, 4, 9);
  CHECK(set.rows() == 4);           // rows 0, 2, 3, 4
  CHECK(set.largest_batch() == 8);  // 3 + 5; 6; 7
  CHECK(set.longest_document() == 7);
}
