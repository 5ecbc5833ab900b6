// The decoder: explicit forward and backward over preallocated workspaces; no autograd, no allocation in a step.
// Built once for a capacity (tokens of the largest micro-batch), then fed PackedBatches of at most that size.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/model_config.h"
#include "core/model_layout.h"  // TrainMode, ActivationCheckpointing
#include "core/precision.h"
#include "engine/model/batch.h"
#include "engine/model/parameter.h"
#include "engine/peft/lora.h"  // LoraOptions, AdapterUse

namespace collie {

struct DecoderOptions {
  Precision precision = Precision::bf16;
  at::Device device = at::kCPU;
  TrainMode mode = TrainMode::none;
  std::optional<LoraOptions> lora;  // required for TrainMode::lora; with TrainMode::none: an adapter to serve
  ActivationCheckpointing checkpointing = ActivationCheckpointing::off;
  int64_t capacity_tokens = 0;      // largest micro-batch (training, evaluation) or prompt chunk (serving)
  int64_t max_document = 0;         // longest document: sizes rotary tables and attention scratch
  uint64_t seed = 0;                // LoRA initialisation and dropout
};

// Sums over the targets of a micro-batch; the caller divides by the targets of the whole step.
struct LossSums {
  double loss = 0;       // sum of cross entropies, nats
  int64_t targets = 0;
  int64_t correct = 0;   // targets whose logit is the largest; counted by evaluate() only
};

// Keys and values of one conversation. Opaque; made by Decoder::make_cache.
struct KvCache;

class Decoder {
 public:
  using Progress = std::function<void(double fraction)>;

  Decoder(const ModelConfig& config, const DecoderOptions& options);
  ~Decoder();
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;

  // Reads model.safetensors or its shards. Throws model.not_found, model.truncated, model.missing_tensor, model.bad_tensor
  // (shape or dtype, with expected and received).
  void load(const std::filesystem::path& folder, const Progress& progress = {});
  // Random weights (normal, std 0.02; norms 1): benchmarks and tests.
  void randomize(uint64_t seed);

  // Adds d(grad_scale * loss sum)/d(parameter) to every trainable gradient. `dropout_key` must differ between micro-batches
  // (the caller derives it from step and micro-batch index): masks are a pure function of seed and key.
  LossSums forward_backward(const PackedBatch& batch, double grad_scale, uint64_t dropout_key);
  // Loss without dropout and without gradients.
  LossSums evaluate(const PackedBatch& batch);

  // Trainable parameters, always in the same order; empty when nothing is trained.
  std::span<Parameter> trainable();
  // The adapter's tensors, always in the same order: trainable() in TrainMode::lora, without gradients in TrainMode::none (the
  // caller fills the masters, then calls sync_weights()), empty without an adapter.
  std::span<Parameter> adapter();
  int64_t total_params() const;
  void zero_grad();
  // To be called after masters changed: refreshes the compute copies (bf16 weights, scaled LoRA tails).
  void sync_weights();

  // Serving. Appends ids to the cache and returns fp32 logits [vocab_size] on the CPU for the last of them.
  std::shared_ptr<KvCache> make_cache(int64_t capacity_tokens);
  at::Tensor extend(std::span<const int32_t> ids, KvCache& cache, AdapterUse adapter);
  // Forgets all but the first `n_tokens` of the cache (at most what it holds): what follows is appended after them.
  void truncate(KvCache& cache, int64_t n_tokens) const;
  // Logits of every position, fp32 [N, vocab_size] on the CPU: tests and parity.
  at::Tensor logits(const PackedBatch& batch, AdapterUse adapter);

  const ModelConfig& config() const;
  // Bytes held: frozen + trainable weights, gradients, workspaces. The planner's forecast is checked against it.
  struct MemoryUse {
    int64_t weights_bytes, gradients_bytes, activations_bytes, scratch_bytes;
  };
  MemoryUse memory_use() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace collie
