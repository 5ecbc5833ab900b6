#include "engine/train/evaluation.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "core/base/error.h"
#include "engine/train/batch_loader.h"

namespace collie {

EvaluationSet::EvaluationSet(const TokenStore& store, int64_t max_rows, int64_t capacity_tokens,
                             int64_t virtual_tokens)
    : store_(store) {
  int64_t tokens = 0;
  for (int64_t row = 0; row < store.size() && rows_ < max_rows; ++row) {
    if (count_targets(store[row]) == 0) continue;
    const int64_t length = store.length(row) + virtual_tokens;
    if (batches_.empty() || tokens + length > capacity_tokens) {
      batches_.emplace_back();
      tokens = 0;
    }
    batches_.back().push_back(row);
    tokens += length;
    ++rows_;
    largest_batch_ = std::max(largest_batch_, tokens);
    longest_document_ = std::max(longest_document_, length);
  }
}

std::optional<EvaluationResult> EvaluationSet::run(Pipeline& pipeline, const Parallel& parallel,
                                                   const std::function<Next(double)>& progress) const {
  const auto ranks = static_cast<size_t>(parallel.spec.dp_size), own = static_cast<size_t>(parallel.place.dp_rank);
  LossSums sums;
  for (size_t first = 0; first < batches_.size(); first += ranks) {
    if (progress(static_cast<double>(first) / static_cast<double>(batches_.size())) == Next::cancel) return std::nullopt;
    const size_t i = first + own;
    if (i >= batches_.size()) {
      pipeline.evaluate_nothing();
      continue;
    }
    const LossSums batch = pipeline.evaluate(pack(store_, batches_[i]));
    if (!std::isfinite(batch.loss))
      throw Error("train.non_finite",
                  "The evaluation loss is not finite in evaluation batch " + std::to_string(i) + ".",
                  "The weights hold infinite or NaN values: resume an earlier checkpoint with a lower learning rate.",
                  {{"rows", batches_[i]}, {"batch", i}, {"split", "eval"}});
    sums += batch;
  }
  if (parallel.place.tp_rank != 0) sums = {};  // the group has the same
  std::array<double, 3> all = {sums.loss, static_cast<double>(sums.targets), static_cast<double>(sums.correct)};
  parallel.world->all_reduce(all);
  EvaluationResult result;
  result.targets = static_cast<int64_t>(all[1]);
  result.loss = all[0] / all[1];
  result.perplexity = std::min(std::exp(result.loss), std::numeric_limits<double>::max());
  result.token_accuracy = all[2] / all[1];
  return result;
}

}  // namespace collie
