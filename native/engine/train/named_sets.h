// Evaluation sets that a spec names, besides the held-out rows: losses of documents (data/set-<name>.*, a token store), or answers to
// prompts (data/set-<name>.prompts.json, {"stop_ids": [..], "prompts": [[..], ..]}). The engine computes, the host says what it is worth:
// what was computed goes into evaluations/<name>/step-NNNNNNNN.raw.jsonl, and the host answers with metrics (control.h, Scores).
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/formats/token_store.h"
#include "core/recipe/run_spec.h"
#include "engine/generate/batch_generator.h"
#include "engine/train/evaluation.h"

namespace collie {

class NamedSet {
 public:
  struct Limits {
    int64_t seq_len = 0;
    int64_t vocab_size = 0;
    int64_t capacity_tokens = 0;
    int64_t virtual_tokens = 0;
  };

  // nullptr where the host found no row to evaluate: then there are no files. Throws dataset.*, spec.invalid, file.unreadable.
  static std::unique_ptr<NamedSet> open(const std::filesystem::path& run_folder, const EvaluationSetSpec& spec,
                                        const Limits& limits);

  const EvaluationSetSpec& spec() const { return spec_; }
  // What the decoder is built for; 0 for answers, which are fed in chunks.
  int64_t largest_batch() const { return losses_ ? losses_->largest_batch() : 0; }
  int64_t longest_document() const { return losses_ ? losses_->longest_document() : 0; }

  // How long it takes beside others, in tokens that are read.
  int64_t work() const;

  // Called by all ranks; all get the lines of the record, one a document or an answer. `progress` may cancel: nullopt.
  std::optional<std::vector<std::string>> run(Decoder& decoder, Pipeline& pipeline, const Parallel& parallel,
                                              int64_t capacity_tokens,
                                              const std::function<Next(double)>& progress) const;

 private:
  explicit NamedSet(EvaluationSetSpec spec) : spec_(std::move(spec)) {}
  void open_losses(const std::filesystem::path& data, const Limits& limits);
  void open_prompts(const std::filesystem::path& path);
  std::vector<GenerationRequest> requests_of(const Parallel& parallel, bool together) const;
  std::optional<std::vector<std::string>> answer(Decoder& decoder, const Parallel& parallel, int64_t capacity_tokens,
                                                 const std::function<Next(double)>& progress) const;

  EvaluationSetSpec spec_;
  std::unique_ptr<TokenStore> rows_;
  std::unique_ptr<EvaluationSet> losses_;
  std::vector<std::vector<int32_t>> prompts_;
  std::vector<int32_t> stop_ids_;
};

}  // namespace collie
