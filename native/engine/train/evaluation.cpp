#include "engine/train/evaluation.h"

#include <algorithm>
#include <cmath>

#include "core/base/error.h"
#include "engine/train/batch_loader.h"

namespace collie {

EvaluationSet::EvaluationSet(const TokenStore& store, int64_t max_rows, int64_t capacity_tokens, int64_t virtual_tokens,
                             const std::string& objective)
    : store_(store), objective_(make_objective(objective)) {
  int64_t tokens = 0;
  for (int64_t row = 0; row < store.size() && rows_ < max_rows; ++row) {
    if (count_targets(store[row]) == 0) continue;
    const int64_t length = store.length(row) + virtual_tokens;
    if (batches_.empty() || tokens + length > capacity_tokens) {
      batches_.push_back({rows_, {}});
      tokens = 0;
    }
    batches_.back().rows.push_back(row);
    tokens += length;
    ++rows_;
    tokens_ += length;
    largest_batch_ = std::max(largest_batch_, tokens);
    longest_document_ = std::max(longest_document_, length);
  }
}

std::optional<EvaluationResult> EvaluationSet::run(Pipeline& pipeline, const Parallel& parallel,
                                                   const std::function<Next(double)>& progress) const {
  const auto ranks = static_cast<size_t>(parallel.spec.dp_size), own = static_cast<size_t>(parallel.place.dp_rank);
  // Loss, targets and correct ones of every row: filled where the row is computed, zero on all other ranks.
  std::vector<double> sums(static_cast<size_t>(rows_) * 3);
  for (size_t first = 0; first < batches_.size(); first += ranks) {
    if (progress(static_cast<double>(first) / static_cast<double>(batches_.size())) == Next::cancel)
      return std::nullopt;
    const size_t i = first + own;
    if (i >= batches_.size()) {
      pipeline.evaluate_nothing();
      continue;
    }
    const std::vector<LossSums> batch = pipeline.evaluate(pack(store_, batches_[i].rows));
    check_finite(batch, i);
    if (parallel.place.tp_rank != 0) continue;  // the group has the same
    auto at = sums.begin() + batches_[i].first * 3;
    for (const LossSums& row : batch) {
      *at++ = row.loss;
      *at++ = static_cast<double>(row.targets);
      *at++ = static_cast<double>(row.correct);
    }
  }
  parallel.world->all_reduce(sums);
  return result_of(sums);
}

void EvaluationSet::check_finite(const std::vector<LossSums>& batch, size_t index) const {
  if (std::ranges::all_of(batch, [](const LossSums& row) { return std::isfinite(row.loss); })) return;
  throw Error("train.non_finite",
              "The evaluation loss is not finite in evaluation batch " + std::to_string(index) + ".",
              "The weights hold infinite or NaN values: resume an earlier checkpoint with a lower learning rate.",
              {{"rows", batches_[index].rows}, {"batch", index}, {"split", "eval"}});
}

EvaluationResult EvaluationSet::result_of(const std::vector<double>& sums) const {
  EvaluationResult result;
  LossSums all;
  auto at = sums.begin();
  for (const Batch& batch : batches_)
    for (const int64_t row : batch.rows) {
      const LossSums own{at[0], static_cast<int64_t>(at[1]), static_cast<int64_t>(at[2])};
      result.rows.push_back({row, own});
      all += own;
      at += 3;
    }
  result.metrics = objective_->evaluated(all);
  return result;
}

}  // namespace collie
