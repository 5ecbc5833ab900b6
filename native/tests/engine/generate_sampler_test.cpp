#include <doctest/doctest.h>

#include <cmath>
#include <map>
#include <vector>

#include "core/base/error.h"
#include "engine/generate/sampler.h"

using namespace collie;

namespace {

const std::vector<float> kLogits = {1.0f, 3.0f, 2.0f, 3.0f, -1.0f};

std::map<int32_t, int> counts(const SamplingOptions& options, int draws) {
  Sampler sampler(options);
  std::map<int32_t, int> found;
  for (int i = 0; i < draws; ++i) ++found[sampler.next(kLogits, i)];
  return found;
}

}  // namespace

TEST_CASE("temperature 0 takes the largest logit, of equal ones the lowest id") {
  Sampler sampler({});
  CHECK(sampler.next(kLogits, 0) == 1);
}

TEST_CASE("frequencies follow the softmax") {
  const int draws = 20000;
  const auto found = counts({1.0, 0, 1.0, 5}, draws);
  double total = 0;
  for (const float logit : kLogits) total += std::exp(logit);
  for (int32_t id = 0; id < 5; ++id) {
    const double expected = std::exp(kLogits[id]) / total;
    CHECK(found.at(id) / static_cast<double>(draws) == doctest::Approx(expected).epsilon(0.1));
  }
}

TEST_CASE("a low temperature sharpens") {
  const auto found = counts({0.1, 0, 1.0, 5}, 2000);
  CHECK(found.size() == 2);
  CHECK(found.contains(1));
  CHECK(found.contains(3));
}

TEST_CASE("top_k keeps the k most likely") {
  const auto found = counts({5.0, 3, 1.0, 9}, 5000);
  CHECK(found.size() == 3);
  CHECK_FALSE(found.contains(0));
  CHECK_FALSE(found.contains(4));
  CHECK(counts({5.0, 1, 1.0, 9}, 100) == std::map<int32_t, int>{{1, 100}});
  CHECK(counts({5.0, 99, 1.0, 9}, 5000).size() == 5);  // more than there are: all
}

TEST_CASE("top_p keeps the smallest set that reaches it, at least one") {
  // Probabilities: ids 1 and 3 0.40 each, id 2 0.147, id 0 0.054, id 4 0.007.
  CHECK(counts({1.0, 0, 0.3, 9}, 200) == std::map<int32_t, int>{{1, 200}});
  CHECK(counts({1.0, 0, 0.79, 9}, 2000).size() == 2);
  CHECK(counts({1.0, 0, 0.9, 9}, 2000).size() == 3);
  CHECK(counts({1.0, 2, 0.4, 9}, 200) == std::map<int32_t, int>{{1, 200}});  // of what top_k left
}

TEST_CASE("the same seed gives the same tokens, another seed others, and a token depends on its index only") {
  const SamplingOptions options{2.0, 0, 1.0, 123};
  Sampler first(options), second(options), other({2.0, 0, 1.0, 124});
  std::vector<int32_t> a, b, c;
  for (int i = 0; i < 200; ++i) a.push_back(first.next(kLogits, i));
  for (int i = 199; i >= 0; --i) b.insert(b.begin(), second.next(kLogits, i));
  for (int i = 0; i < 200; ++i) c.push_back(other.next(kLogits, i));
  CHECK(a == b);
  CHECK(a != c);
}

TEST_CASE("impossible settings are refused by name") {
  CHECK_THROWS_WITH_AS(Sampler({-1.0, 0, 1.0, 0}), doctest::Contains("temperature"), Error);
  CHECK_THROWS_WITH_AS(Sampler({1.0, -1, 1.0, 0}), doctest::Contains("top_k"), Error);
  CHECK_THROWS_WITH_AS(Sampler({1.0, 0, 0.0, 0}), doctest::Contains("top_p"), Error);
}
