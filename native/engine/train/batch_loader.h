// From an optimizer step to its micro-batches: a pure function of the token store, the batch numbers, the seed and the step.
// A resumed run asks for the next step and gets what it would have got; no data position is saved.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "core/recipe/batch_plan.h"
#include "core/recipe/run_spec.h"
#include "core/formats/token_store.h"
#include "engine/model/batch.h"

namespace collie {

// Documents of each micro-batch of one step, and where the step stands in the run.
struct StepPlan {
  int64_t epoch = 0;                                // 0 for the first
  double epoch_done = 0;                            // epochs trained once this step is done, fractions included
  std::vector<std::vector<int64_t>> micro_batches;  // rows (documents) of each
  int64_t tokens = 0;                               // forwarded
  int64_t targets = 0;                              // that count in the loss
  double weight = 0;                                // of the targets: their number, where the data has no weights
};

// Documents one after another: positions restart, a token is the target of the one before it where its mask says so.
PackedBatch pack(const TokenStore& store, std::span<const int64_t> rows);

// Tokens of a document that the loss counts; its first token never does.
int64_t count_targets(const Document& document);
// What they weigh together.
double target_weight(const Document& document);

// Throws dataset.bad_row for a row with more than `seq_len` tokens or an id outside the vocabulary (names row and value),
// a target's weight that is not above 0, dataset.empty for no rows, dataset.all_masked when no row has a single target. `split` is for the message.
void check_documents(const TokenStore& store, const char* split, int64_t seq_len, int64_t vocab_size);

class BatchLoader {
 public:
  // `store` must outlive the loader. Rows without targets would train nothing and are left out. `virtual_tokens` go before
  // every document and count in the sizes only.
  BatchLoader(const TokenStore& store, const BatchShape& shape, uint64_t seed, const DurationSpec& duration,
              int64_t virtual_tokens = 0);

  int64_t total_steps() const { return total_steps_; }
  // Tokens of the largest micro-batch and of the longest document of the whole run, virtual ones included: what the decoder
  // is built for.
  int64_t largest_micro_batch() const { return largest_micro_batch_; }
  int64_t longest_document() const { return longest_document_; }
  // Rows left out because they have no target.
  int64_t rows_without_targets() const { return rows_without_targets_; }

  // step: 0 .. total_steps() - 1.
  StepPlan at(int64_t step);
  // The step with which the epoch of `step` ends.
  int64_t epoch_end(int64_t step) const;
  // The same steps, and those after them up to `total_steps`.
  std::unique_ptr<BatchLoader> extended(int64_t total_steps) const;

 private:
  void plan_run(const DurationSpec& duration);
  const std::vector<Sequence>& epoch_sequences(int64_t epoch);
  void measure(const std::vector<Sequence>& sequences, int64_t steps);

  const TokenStore& store_;
  BatchShape shape_;
  uint64_t seed_;
  int64_t virtual_tokens_;
  std::vector<int64_t> lengths_;
  std::vector<int64_t> targets_;
  std::vector<double> weights_;        // of each row's targets
  std::vector<int64_t> epoch_starts_;  // first step of each epoch, and the end of the last
  std::vector<int64_t> epoch_steps_;   // steps a whole epoch would have
  int64_t total_steps_ = 0;
  int64_t largest_micro_batch_ = 0;
  int64_t longest_document_ = 0;
  int64_t rows_without_targets_ = 0;
  int64_t cached_epoch_ = -1;
  std::vector<Sequence> cached_;
};

}  // namespace collie
