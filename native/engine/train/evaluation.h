// Held-out loss: sums of every row, then of all rows in the order of the store, and one division at the end, so that neither the
// size of batches nor the layout changes which numbers are added up, and the record has every row once.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "core/formats/token_store.h"
#include "engine/generate/generator.h"
#include "engine/objective/objective.h"
#include "engine/train/pipeline.h"

namespace collie {

// One row of the token store, judged.
struct EvaluatedRow {
  int64_t row = 0;  // its place in the store
  LossSums sums;    // of its targets
};

struct EvaluationResult {
  Metrics metrics;                 // what the objective makes of the sums over all rows
  std::vector<EvaluatedRow> rows;  // in the order of the store, each once
};

class EvaluationSet {
 public:
  // The first `max_rows` rows that have targets, in order, in batches of at most max(`capacity_tokens`, longest row) tokens.
  // `store` must outlive it. `virtual_tokens` go before every document and count in all sizes.
  EvaluationSet(const TokenStore& store, int64_t max_rows, int64_t capacity_tokens, int64_t virtual_tokens = 0,
                const std::string& objective = "cross_entropy");

  int64_t rows() const { return rows_; }
  int64_t tokens() const { return tokens_; }
  int64_t largest_batch() const { return largest_batch_; }
  int64_t longest_document() const { return longest_document_; }

  // Called by all ranks; data-parallel rank d takes batches d, d + dp_size, ... All get the same result. `progress` is told the share
  // done before each round of batches, and may cancel (all or none): then there is no result. Throws train.non_finite (names the
  // rows of the batch).
  std::optional<EvaluationResult> run(Pipeline& pipeline, const Parallel& parallel,
                                      const std::function<Next(double)>& progress) const;

 private:
  struct Batch {
    int64_t first = 0;  // evaluated rows before it
    std::vector<int64_t> rows;
  };
  void check_finite(const std::vector<LossSums>& batch, size_t index) const;
  EvaluationResult result_of(const std::vector<double>& sums) const;

  const TokenStore& store_;
  std::unique_ptr<Objective> objective_;
  std::vector<Batch> batches_;
  int64_t rows_ = 0;
  int64_t tokens_ = 0;  // of them, virtual ones included
  int64_t largest_batch_ = 0;
  int64_t longest_document_ = 0;
};

}  // namespace collie
