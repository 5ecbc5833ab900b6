#include "engine/train/evaluation.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/error.h"
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

std::optional<EvaluationResult> EvaluationSet::run(Decoder& decoder,
                                                   const std::function<Next(double)>& progress) const {
  LossSums sums;
  for (size_t i = 0; i < batches_.size(); ++i) {
    if (progress(static_cast<double>(i) / static_cast<double>(batches_.size())) == Next::cancel) return std::nullopt;
    const LossSums batch = decoder.evaluate(pack(store_, batches_[i]));
    if (!std::isfinite(batch.loss))
      throw Error("train.non_finite",
                  "The evaluation loss is not finite in evaluation batch " + std::to_string(i) + ".",
                  "The weights hold infinite or NaN values: resume an earlier checkpoint with a lower learning rate.",
                  {{"rows", batches_[i]}, {"batch", i}, {"split", "eval"}});
    sums.loss += batch.loss;
    sums.targets += batch.targets;
    sums.correct += batch.correct;
  }
  EvaluationResult result;
  const auto targets = static_cast<double>(sums.targets);
  result.targets = sums.targets;
  result.loss = sums.loss / targets;
  result.perplexity = std::min(std::exp(result.loss), std::numeric_limits<double>::max());
  result.token_accuracy = static_cast<double>(sums.correct) / targets;
  return result;
}

}  // namespace collie
