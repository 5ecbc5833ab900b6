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
#include "core/model_layout.h"
#include "core/precision.h"
#include "engine/model/batch.h"
#include "engine/model/labels.h"
#include "engine/peft/parameter.h"
#include "engine/peft/context.h"  // AdapterUse
#include "engine/peft/model_method.h"

namespace collie {

class Decoder;

struct DecoderOptions {
  Precision precision = Precision::bf16;
  at::Device device = at::kCPU;
  Purpose purpose = Purpose::serve;
  std::optional<MethodSpec> method;  // what is trained, or, to serve, which adapter there is; nullopt: the base model alone
  // Masters::none: trained weights live in the precision that computes. GradientLife::one_layer: the layers' weights share
  // one gradient, which is complete, and handed out, when the backward pass leaves a layer (LOMO, arXiv 2306.09782).
  Masters masters = Masters::fp32;
  GradientLife gradients = GradientLife::whole_step;
  Quantization quantization = Quantization::none;  // of the frozen linears
  ActivationCheckpointing checkpointing = ActivationCheckpointing::off;
  // Both with the virtual tokens that the method puts before every document.
  int64_t capacity_tokens = 0;      // largest micro-batch (training, evaluation) or prompt chunk (serving)
  int64_t max_document = 0;         // longest document: sizes rotary tables and attention scratch
  // Serving several models over one base: the decoder whose loaded weights this one uses, as far as its method leaves them as they
  // were (same model, precision, device and quantization; it must outlive this one, and have made room for it). The tails of all
  // adapters take turns in those weights: sync_weights() before another decoder computes with its adapter.
  const Decoder* base = nullptr;
  uint64_t seed = 0;                // initial values of adapters, and dropout
  std::vector<int32_t> prompt_ids;  // of the text that virtual tokens start from; empty: tokens drawn at random
};

// Parameters whose gradients a backward pass has completed: `parameters` are trainable()[first, first + size). The receiver
// updates them or measures their gradients; afterwards the decoder sets the gradients to zero.
struct CompletedGradients {
  std::span<Parameter> parameters;
  size_t first = 0;
};
enum class AdapterStart { fresh, stored };
using GradientReceiver = std::function<void(const CompletedGradients&)>;


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
  // AdapterStart::fresh: adapters start as their method says, and everything is ready to compute. AdapterStart::stored: the
  // caller fills trained_tensors(), then calls bind_base() and sync_weights().
  void load(const std::filesystem::path& folder, const Progress& progress = {}, AdapterStart start = AdapterStart::fresh);
  // Random weights (normal, std 0.02; norms 1): benchmarks and tests.
  void randomize(uint64_t seed);

  // Adds d(grad_scale * loss sum)/d(parameter) to every trainable gradient. `dropout_key` must differ between micro-batches
  // (the caller derives it from step and micro-batch index): masks are a pure function of seed and key.
  LossSums forward_backward(const PackedBatch& batch, double grad_scale, uint64_t dropout_key, const Labels& labels = {});
  // GradientLife::one_layer: the same, handing out gradients as they are complete, from the top down. Trainable gradients
  // are zero before and after. What is updated is synchronized layer by layer.
  LossSums forward_backward_fused(const PackedBatch& batch, double grad_scale, uint64_t dropout_key,
                                  const GradientReceiver& receive);
  // Loss without dropout and without gradients.
  LossSums evaluate(const PackedBatch& batch);

  // Trainable parameters, always in the same order; empty when nothing is trained.
  std::span<Parameter> trainable();
  // All that the weights of a checkpoint consist of: masters of everything that the method trains, and what its adapters
  // need besides. Serving, the caller fills them, then calls bind_base() and sync_weights().
  std::vector<NamedTensor> trained_tensors();
  // State of the method besides, that only a resume needs.
  std::vector<NamedTensor> method_state();
  int64_t total_params() const;
  void zero_grad();
  // Once all micro-batches of a step are in: adds what the method adds to gradients besides the loss's.
  void finish_gradients();
  // Once the optimizer has updated the masters, before sync_weights(): what the method does over the whole model (AdaLoRA
  // allocates ranks). A report when ranks changed.
  std::optional<RankReport> after_update(const StepProgress& now);
  // Once base weights and stored trained tensors are there, before the first sync_weights(): what a method does to the base.
  void bind_base();
  // Makes the weights wide enough for the adapter of a decoder that will use them (DecoderOptions::base), also while others do.
  void make_room(const MethodSpec& guest);
  // To be called after masters changed: refreshes the compute copies (bf16 weights, scaled LoRA tails).
  void sync_weights();

  // Serving. Appends ids to the cache and returns fp32 logits [vocab_size] on the CPU for the last of them. Virtual tokens of
  // the method go before the first id of a conversation with the adapter; no count of tokens here includes them.
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
