// The base and the tuned model behind one serving rank. An adapter shares the base's weights; a full fine-tune has its own.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "core/model_config.h"
#include "core/precision.h"
#include "core/run_spec.h"
#include "engine/generate/generator.h"
#include "engine/model/decoder.h"
#include "rank/arguments.h"

namespace collie {

struct ServingOptions {
  std::filesystem::path model;
  std::optional<std::filesystem::path> run;  // with a checkpoint: the tuned model
  std::string checkpoint;
  Precision precision = Precision::bf16;
  DeviceType device = DeviceType::cpu;
  int64_t context = 0;  // most tokens of prompt and answer; 0: what the model was made for, at most 4096
};

// From --model, --run, --checkpoint, --precision, --device and --context. Throws UsageError.
ServingOptions serving_options(const Arguments& arguments);

enum class Use { base, tuned };

class ServingModels {
 public:
  // Loads what is sure to be used. Throws model.*, checkpoint.*, run.not_found, spec.invalid, memory.insufficient.
  explicit ServingModels(const ServingOptions& options);

  bool tuned() const { return options_.run.has_value(); }
  // The conversation with this model; made at its first use. Throws request.invalid when there is no tuned model.
  Generator& conversation(Use use);
  // Logits of every position of one document, fp32 [N, vocab_size] on the CPU. Throws request.invalid: more tokens than are
  // computed at once, or no tuned model.
  at::Tensor logits(Use use, const PackedBatch& document);
  const ModelConfig& config() const { return config_; }

 private:
  void require(Use use) const;
  std::unique_ptr<Decoder> make_decoder(std::optional<MethodSpec> method, AdapterStart start) const;
  Decoder& decoder_of(Use use);
  AdapterUse adapter_of(Use use) const;
  int64_t chunk_tokens() const;
  void load_tuned();

  ServingOptions options_;
  ModelConfig config_;
  at::Device device_;
  Quantization quantization_ = Quantization::none;  // of the base model, as the run had it
  bool separate_ = false;  // tuned and base model do not share their base weights
  std::unique_ptr<Decoder> base_;
  std::unique_ptr<Decoder> full_;  // the tuned model, when it is a decoder of its own
  std::unique_ptr<Generator> base_conversation_;
  std::unique_ptr<Generator> tuned_conversation_;
};

}  // namespace collie
