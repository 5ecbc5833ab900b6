// A base model and what runs made of it, behind one serving rank. Weights that training left as they were are in memory once:
// adapters take turns on them.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/model/model_config.h"
#include "core/base/precision.h"
#include "core/recipe/run_spec.h"
#include "engine/generate/batch_generator.h"
#include "engine/model/decoder.h"
#include "rank/arguments.h"

namespace collie {

struct TunedSource {
  std::filesystem::path run;
  std::string checkpoint;
};

struct ServingOptions {
  std::filesystem::path model;
  std::vector<TunedSource> tuned;
  Precision precision = Precision::bf16;
  DeviceType device = DeviceType::cpu;
  int64_t context = 0;  // most tokens of prompt and answer; 0: what the model was made for, at most 4096
};

// From --model, --run and --checkpoint (as often as there are tuned models), --precision, --device and --context. Throws UsageError.
ServingOptions serving_options(const Arguments& arguments);

// One of the tuned models, by its place in ServingOptions::tuned; nullopt: the base model.
using Choice = std::optional<size_t>;

class ServingModels {
 public:
  // Loads what is sure to be used. Throws model.*, checkpoint.*, run.not_found, spec.invalid, memory.insufficient, and
  // request.invalid for a run of another base (another model, or another quantization) and for what is there already.
  explicit ServingModels(const ServingOptions& options);

  // Loads one more beside the base, which stays as it is. Returns its place. Throws as the constructor does.
  size_t add(const TunedSource& source);
  size_t tuned() const { return tuned_.size(); }
  // The conversation with this model, ready to go on; made at its first use. Throws request.invalid when there is no such model.
  Generator& conversation(Choice choice);
  // Logits of every position of one document, fp32 [N, vocab_size] on the CPU. Throws request.invalid: more tokens than are
  // computed at once, or no such model.
  at::Tensor logits(Choice choice, const PackedBatch& document);
  // Answers to all requests, `at_once` of them under way. Throws as BatchGenerator::run, and request.invalid when there is no such model.
  std::vector<Answer> answers(Choice choice, std::span<const GenerationRequest> requests, int64_t at_once);
  const ModelConfig& config() const { return config_; }

 private:
  struct Served {
    TunedSource source;  // of the base: empty
    std::unique_ptr<Decoder> decoder;
    std::unique_ptr<Generator> conversation;
  };

  void require(Choice choice) const;
  void check_fits(const TunedSource& source, const RunSpec& spec) const;
  std::unique_ptr<Decoder> make_decoder(DecoderOptions options, AdapterStart start,
                                        const std::optional<MethodSpec>& guest = std::nullopt) const;
  Served& base(const std::optional<MethodSpec>& guest = std::nullopt);
  Served& served(Choice choice);
  int64_t chunk_tokens() const;

  ServingOptions options_;
  ModelConfig config_;
  at::Device device_;
  Quantization quantization_ = Quantization::none;  // of the base model, as the runs had it
  Served base_;
  std::vector<Served> tuned_;
  Choice active_;  // of them: whose adapter is in the weights that all share
};

}  // namespace collie
