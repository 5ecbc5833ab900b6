#include "engine/generate/sampler.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "core/base/error.h"
#include "core/base/random.h"

namespace collie {

namespace {

using Candidate = std::pair<float, int32_t>;

// Orders a heap whose top is the largest logit, of equal ones the lowest id.
bool less_likely(const Candidate& a, const Candidate& b) {
  return a.first != b.first ? a.first < b.first : a.second > b.second;
}

void require(bool holds, const char* name, double value, const char* range) {
  if (!holds)
    throw Error("request.invalid", std::string(name) + " must be " + range + ", not " + std::to_string(value) + ".", "",
                {{name, value}});
}

int32_t arg_max(std::span<const float> logits) {
  return static_cast<int32_t>(std::max_element(logits.begin(), logits.end()) - logits.begin());
}

}  // namespace

Sampler::Sampler(const SamplingOptions& options) : options_(options) {
  require(options.temperature >= 0 && std::isfinite(options.temperature), "temperature", options.temperature,
          "0 or more");
  require(options.top_k >= 0, "top_k", static_cast<double>(options.top_k), "0 or more");
  require(options.top_p > 0 && options.top_p <= 1, "top_p", options.top_p, "above 0 and at most 1");
}

double Sampler::uniform(int64_t index) const { return Random(options_.seed, static_cast<uint64_t>(index)).uniform(); }

int32_t Sampler::next(std::span<const float> logits, int64_t index) {
  if (options_.temperature == 0) return arg_max(logits);
  candidates_.clear();
  for (size_t id = 0; id < logits.size(); ++id) candidates_.emplace_back(logits[id], static_cast<int32_t>(id));
  std::make_heap(candidates_.begin(), candidates_.end(), less_likely);
  const double top = candidates_.front().first;
  const auto weight = [&](float logit) { return std::exp((logit - top) / options_.temperature); };

  // Candidates leave the heap from the most likely down, until top_k or top_p is reached.
  const size_t most = options_.top_k == 0 ? candidates_.size() : std::min<size_t>(options_.top_k, candidates_.size());
  const bool all_of_nucleus = most == candidates_.size();
  double total = 0;
  if (all_of_nucleus && options_.top_p < 1)
    for (const Candidate& candidate : candidates_) total += weight(candidate.first);
  auto heap_end = candidates_.end();
  weights_.clear();
  double sum = 0;
  while (weights_.size() < most) {
    if (options_.top_p < 1 && all_of_nucleus && sum >= options_.top_p * total) break;
    std::pop_heap(candidates_.begin(), heap_end--, less_likely);
    weights_.push_back(weight(heap_end->first));
    sum += weights_.back();
  }
  if (options_.top_p < 1 && !all_of_nucleus) {  // top_p of what top_k left
    double kept = 0;
    size_t count = 0;
    while (count < weights_.size() && (count == 0 || kept < options_.top_p * sum)) kept += weights_[count++];
    weights_.resize(count);
    sum = kept;
  }

  double target = uniform(index) * sum;
  size_t pick = 0;
  while (pick + 1 < weights_.size() && target >= weights_[pick]) target -= weights_[pick++];
  return candidates_[candidates_.size() - 1 - pick].second;
}

}  // namespace collie
