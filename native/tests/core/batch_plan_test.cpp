#include "core/recipe/batch_plan.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <ctime>
#include <numeric>

#include "core/base/random.h"
#include "support.h"

namespace collie {
namespace {

std::vector<int64_t> some_lengths(size_t count, int64_t longest, uint64_t key) {
  Random random(key);
  std::vector<int64_t> lengths(count);
  for (int64_t& length : lengths) length = static_cast<int64_t>(random.below(static_cast<uint64_t>(longest) + 1));
  return lengths;
}

BatchShape shape_of(int64_t seq_len, bool packing) { return {4, 2, seq_len, packing}; }

void check_covers(const std::vector<Sequence>& plan, const std::vector<int64_t>& lengths, int64_t seq_len) {
  std::vector<int> seen(lengths.size(), 0);
  for (const Sequence& sequence : plan) {
    int64_t tokens = 0;
    CHECK_FALSE(sequence.empty());
    for (const int64_t document : sequence) {
      ++seen[static_cast<size_t>(document)];
      tokens += lengths[static_cast<size_t>(document)];
    }
    CHECK(tokens <= seq_len);
  }
  for (size_t i = 0; i < lengths.size(); ++i) CHECK(seen[i] == (lengths[i] > 1 ? 1 : 0));
}

TEST_CASE("documents of one example stay together, in order; alone they are planned as if there were no groups") {
  std::vector<int64_t> lengths;
  for (int64_t i = 0; i < 60; ++i) lengths.push_back(2 + i % 20);
  std::vector<uint64_t> alone = {0}, pairs = {0};
  for (uint64_t i = 1; i <= 60; ++i) alone.push_back(i);
  for (uint64_t i = 2; i <= 60; i += 2) pairs.push_back(i);
  for (const bool packing : {false, true}) {
    CHECK(plan_epoch(lengths, shape_of(32, packing), 5, 1, alone) == plan_epoch(lengths, shape_of(32, packing), 5, 1));
    std::vector<int64_t> seen;
    for (const Sequence& sequence : plan_epoch(lengths, shape_of(32, packing), 5, 1, pairs)) {
      REQUIRE(sequence.size() % 2 == 0);
      if (!packing) CHECK(sequence.size() == 2);
      int64_t tokens = 0;
      for (size_t i = 0; i < sequence.size(); i += 2) {
        CHECK(sequence[i] % 2 == 0);
        CHECK(sequence[i + 1] == sequence[i] + 1);
        seen.push_back(sequence[i]);
      }
      for (const int64_t document : sequence) tokens += lengths[static_cast<size_t>(document)];
      if (packing) CHECK((tokens <= 32 || sequence.size() == 2));
    }
    CHECK(seen.size() == 30);
  }
  lengths[7] = 1;  // nothing to predict: its partner goes with it
  CHECK(plan_epoch(lengths, shape_of(32, false), 5, 1, pairs).size() == 29);
}

TEST_CASE("batch plan: every document of two tokens or more exactly once") {
  const auto lengths = some_lengths(997, 64, 1);
  for (const bool packing : {false, true}) {
    const auto plan = plan_epoch(lengths, shape_of(64, packing), 42, 3);
    check_covers(plan, lengths, 64);
    if (!packing)
      for (const Sequence& sequence : plan) CHECK(sequence.size() == 1);
  }
}

TEST_CASE("batch plan: a pure function of seed and epoch") {
  const auto lengths = some_lengths(200, 64, 2);
  const auto plan = plan_epoch(lengths, shape_of(64, true), 42, 0);
  CHECK(plan == plan_epoch(lengths, shape_of(64, true), 42, 0));
  CHECK(plan != plan_epoch(lengths, shape_of(64, true), 43, 0));
  CHECK(plan != plan_epoch(lengths, shape_of(64, true), 42, 1));
}

// Values of another platform must be these: a run that moves goes on with the same data.
TEST_CASE("batch plan: the shuffle is the same on every platform") {
  const std::vector<int64_t> lengths(10, 5);
  std::vector<int64_t> order;
  for (const Sequence& sequence : plan_epoch(lengths, shape_of(5, false), 42, 0)) order.push_back(sequence[0]);
  CHECK(order == std::vector<int64_t>{9, 3, 6, 4, 0, 7, 5, 2, 8, 1});
  uint64_t state = 0;
  CHECK(splitmix64(state) == 0xe220a8397b1dcdafull);  // published first value of seed 0
}

TEST_CASE("batch plan: packing is first fit in shuffled order") {
  const auto lengths = some_lengths(300, 40, 5);
  const BatchShape shape = shape_of(64, true);
  std::vector<Sequence> expected;  // the plain quadratic way
  std::vector<int64_t> room;
  for (const Sequence& single : plan_epoch(lengths, shape_of(64, false), 7, 0)) {
    const int64_t length = lengths[static_cast<size_t>(single[0])];
    auto found = std::find_if(room.begin(), room.end(), [&](int64_t free) { return free >= length; });
    if (found == room.end()) {
      expected.emplace_back();
      found = room.insert(room.end(), 64);
    }
    *found -= length;
    expected[static_cast<size_t>(found - room.begin())].push_back(single[0]);
  }
  CHECK(plan_epoch(lengths, shape, 7, 0) == expected);
}

TEST_CASE("batch plan: shuffles are unbiased") {
  constexpr int kRounds = 24'000;
  std::vector<int> count(24, 0);
  for (int epoch = 0; epoch < kRounds; ++epoch) {
    std::vector<int> items = {0, 1, 2, 3};
    Random(9, static_cast<uint64_t>(epoch)).shuffle(std::span(items));
    int rank = 0;  // of the permutation
    for (size_t i = 0; i < 4; ++i)
      rank = rank * static_cast<int>(4 - i) +
             static_cast<int>(
                 std::count_if(items.begin() + static_cast<long>(i), items.end(), [&](int x) { return x < items[i]; }));
    ++count[static_cast<size_t>(rank)];
  }
  double chi_squared = 0;
  for (const int n : count) chi_squared += (n - 1000.0) * (n - 1000.0) / 1000.0;
  CHECK(chi_squared < 60);  // 23 degrees of freedom: beyond 60 once in 30,000 generators
}

TEST_CASE("batch plan: a million documents are quick") {
  const auto lengths = some_lengths(1'000'000, 500, 3);
  const std::clock_t begin = std::clock();  // of the processor: other programs do not count
  const auto plan = plan_epoch(lengths, shape_of(2048, true), 1, 0);
  CHECK(static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC < 5);
  const int64_t tokens = std::accumulate(lengths.begin(), lengths.end(), int64_t{0});
  CHECK(static_cast<double>(plan.size()) < 1.02 * static_cast<double>(tokens) / 2048);
}

TEST_CASE("batch plan: edges") {
  CHECK(plan_epoch({}, shape_of(8, true), 1, 0).empty());
  CHECK(plan_epoch(std::vector<int64_t>{0, 1, 1}, shape_of(8, true), 1, 0).empty());
  CHECK(plan_epoch(std::vector<int64_t>{8}, shape_of(8, true), 1, 0).size() == 1);
  CHECK(test::code_of([] { plan_epoch(std::vector<int64_t>{2, 9}, shape_of(8, true), 1, 0); }) == "dataset.bad_row");
  CHECK(steps_per_epoch(0, shape_of(8, false)) == 0);
  CHECK(steps_per_epoch(8, shape_of(8, false)) == 1);
  CHECK(steps_per_epoch(9, shape_of(8, false)) == 2);
}

}  // namespace
}  // namespace collie
