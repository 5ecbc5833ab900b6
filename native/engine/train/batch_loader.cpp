#include "engine/train/batch_loader.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "core/base/error.h"

namespace collie {

namespace {

// Steps of a part of an epoch: rounded up, but 0.1 * 30 = 3.0000000000000004 is 3.
int64_t steps_of_fraction(double fraction, int64_t steps) {
  return static_cast<int64_t>(std::ceil(fraction * static_cast<double>(steps) - 1e-9));
}

void check_document(const Document& document, int64_t row, const char* split, int64_t seq_len, int64_t vocab_size) {
  const auto length = static_cast<int64_t>(document.ids.size());
  const std::string name = "Row " + std::to_string(row) + " of the " + split + " split ";
  if (length > seq_len)
    throw Error("dataset.bad_row",
                name + "has " + std::to_string(length) + " tokens; batch.seq_len is " + std::to_string(seq_len) + ".",
                "Prepare the data again with this sequence length.",
                {{"row", row}, {"split", split}, {"tokens", length}});
  for (const uint32_t id : document.ids)
    if (id >= static_cast<uint64_t>(vocab_size))
      throw Error("dataset.bad_row",
                  name + "holds token id " + std::to_string(id) + "; the model's vocabulary has " +
                      std::to_string(vocab_size) + ".",
                  "Prepare the data again with the tokenizer of this model.",
                  {{"row", row}, {"split", split}, {"id", id}});
  for (size_t i = 0; i < document.weights.size(); ++i)
    if (const float weight = document.weights[i]; document.mask[i] != 0 && !(weight > 0 && std::isfinite(weight)))
      throw Error("dataset.bad_row", name + "has a token of weight " + std::to_string(weight) + ".",
                  "Weights of trained tokens are above 0; what counts nothing is masked.",
                  {{"row", row}, {"split", split}});
}

}  // namespace

int64_t count_targets(const Document& document) {
  if (document.mask.empty()) return 0;
  return std::ranges::count_if(document.mask.subspan(1), [](uint8_t counts) { return counts != 0; });
}

double target_weight(const Document& document) {
  if (document.weights.empty()) return static_cast<double>(count_targets(document));
  double weight = 0;
  for (size_t i = 1; i < document.mask.size(); ++i)
    if (document.mask[i] != 0) weight += document.weights[i];
  return weight;
}

void check_documents(const TokenStore& store, const char* split, int64_t seq_len, int64_t vocab_size) {
  if (store.size() == 0)
    throw Error("dataset.empty", std::string("The ") + split + " split has no rows.", "Choose a dataset with rows.",
                {{"split", split}});
  int64_t targets = 0;
  for (int64_t row = 0; row < store.size(); ++row) {
    const Document document = store[row];
    check_document(document, row, split, seq_len, vocab_size);
    targets += count_targets(document);
  }
  if (targets == 0)
    throw Error(
        "dataset.all_masked", std::string("No row of the ") + split + " split has a token that the loss counts.",
        "Check the column mapping, and that answers are not cut off by the sequence length.", {{"split", split}});
}

PackedBatch pack(const TokenStore& store, std::span<const int64_t> rows) {
  PackedBatch batch;
  int64_t tokens = 0;
  for (const int64_t row : rows) tokens += store.length(row);
  batch.ids_N.reserve(tokens);
  batch.positions_N.reserve(tokens);
  batch.targets_N.reserve(tokens);
  batch.doc_offsets.reserve(rows.size() + 1);
  batch.doc_offsets.push_back(0);
  for (const int64_t row : rows) {
    const Document document = store[row];
    const size_t length = document.ids.size();
    for (size_t i = 0; i < length; ++i) {
      const bool has_target = i + 1 < length && document.mask[i + 1] != 0;
      batch.ids_N.push_back(static_cast<int32_t>(document.ids[i]));
      batch.positions_N.push_back(static_cast<int32_t>(i));
      batch.targets_N.push_back(has_target ? static_cast<int32_t>(document.ids[i + 1]) : -1);
      if (!document.weights.empty()) batch.weights_N.push_back(has_target ? document.weights[i + 1] : 0);
    }
    batch.doc_offsets.push_back(static_cast<int32_t>(batch.ids_N.size()));
  }
  return batch;
}

BatchLoader::BatchLoader(const TokenStore& store, const BatchShape& shape, uint64_t seed, const DurationSpec& duration,
                         int64_t virtual_tokens)
    : store_(store), shape_(shape), seed_(seed), virtual_tokens_(virtual_tokens) {
  lengths_.reserve(store.size());
  targets_.reserve(store.size());
  for (int64_t row = 0; row < store.size(); ++row) {
    targets_.push_back(count_targets(store[row]));
    weights_.push_back(target_weight(store[row]));
    // The plan leaves out documents of length 0: a row that trains nothing costs nothing.
    lengths_.push_back(targets_.back() == 0 ? 0 : store.length(row));
    if (targets_.back() == 0) ++rows_without_targets_;
    longest_document_ = std::max(longest_document_, lengths_.back() + virtual_tokens_);
  }
  plan_run(duration);
}

void BatchLoader::plan_run(const DurationSpec& duration) {
  const bool by_steps = duration.unit == DurationUnit::steps;
  const double epochs = by_steps ? 0 : duration.value;
  epoch_starts_.push_back(0);
  for (int64_t epoch = 0;
       by_steps ? total_steps_ < static_cast<int64_t>(duration.value) : static_cast<double>(epoch) < epochs - 1e-9;
       ++epoch) {
    const std::vector<Sequence>& sequences = epoch_sequences(epoch);
    const int64_t whole = steps_per_epoch(static_cast<int64_t>(sequences.size()), shape_);
    if (whole == 0) throw Error("dataset.all_masked", "No training row has a token that the loss counts.");
    const int64_t wanted = by_steps ? static_cast<int64_t>(duration.value) - total_steps_
                                    : steps_of_fraction(epochs - static_cast<double>(epoch), whole);
    const int64_t steps = std::clamp<int64_t>(wanted, 1, whole);
    measure(sequences, steps);
    total_steps_ += steps;
    epoch_starts_.push_back(total_steps_);
    epoch_steps_.push_back(whole);
  }
}

const std::vector<Sequence>& BatchLoader::epoch_sequences(int64_t epoch) {
  if (epoch != cached_epoch_) {
    cached_ = plan_epoch(lengths_, shape_, seed_, epoch, store_.groups());
    cached_epoch_ = epoch;
  }
  return cached_;
}

void BatchLoader::measure(const std::vector<Sequence>& sequences, int64_t steps) {
  const int64_t used = std::min<int64_t>(static_cast<int64_t>(sequences.size()), steps * shape_.sequences_per_step());
  for (int64_t begin = 0; begin < used; begin += shape_.micro_batch_size) {
    int64_t tokens = 0;
    for (int64_t i = begin; i < std::min(begin + shape_.micro_batch_size, used); ++i)
      for (const int64_t row : sequences[i]) tokens += lengths_[row] + virtual_tokens_;
    largest_micro_batch_ = std::max(largest_micro_batch_, tokens);
  }
}

int64_t BatchLoader::epoch_end(int64_t step) const {
  const auto next = std::upper_bound(epoch_starts_.begin(), epoch_starts_.end(), step);
  return next == epoch_starts_.end() ? total_steps_ : *next;
}

std::unique_ptr<BatchLoader> BatchLoader::extended(int64_t total_steps) const {
  const DurationSpec duration{DurationUnit::steps, static_cast<double>(total_steps)};
  return std::make_unique<BatchLoader>(store_, shape_, seed_, duration, virtual_tokens_);
}

StepPlan BatchLoader::at(int64_t step) {
  const auto next = std::upper_bound(epoch_starts_.begin(), epoch_starts_.end(), step);
  StepPlan plan;
  plan.epoch = next - epoch_starts_.begin() - 1;
  const int64_t index = step - epoch_starts_[plan.epoch];
  plan.epoch_done =
      static_cast<double>(plan.epoch) + static_cast<double>(index + 1) / static_cast<double>(epoch_steps_[plan.epoch]);
  const std::vector<Sequence>& sequences = epoch_sequences(plan.epoch);
  const int64_t per_step = shape_.sequences_per_step();
  const int64_t end = std::min<int64_t>((index + 1) * per_step, static_cast<int64_t>(sequences.size()));
  for (int64_t begin = index * per_step; begin < end; begin += shape_.micro_batch_size) {
    std::vector<int64_t>& rows = plan.micro_batches.emplace_back();
    for (int64_t i = begin; i < std::min(begin + shape_.micro_batch_size, end); ++i)
      rows.insert(rows.end(), sequences[i].begin(), sequences[i].end());
    for (const int64_t row : rows) {
      plan.tokens += lengths_[row];
      plan.targets += targets_[row];
      plan.weight += weights_[row];
    }
  }
  return plan;
}

}  // namespace collie
