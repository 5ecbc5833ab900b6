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

#include "core/model/model_config.h"
#include "core/plan/model_layout.h"
#include "core/base/precision.h"
#include "engine/model/batch.h"
#include "engine/model/labels.h"
#include "engine/model/random_source.h"
#include "engine/parallel/parallel.h"
#include "engine/parallel/side_thread.h"
#include "engine/peft/parameter.h"
#include "engine/peft/context.h"  // AdapterUse
#include "engine/peft/model_method.h"

namespace collie {

class Decoder;

struct DecoderOptions {
  Precision precision = Precision::bf16;
  at::Device device = at::kCPU;
  Purpose purpose = Purpose::serve;
  std::optional<MethodSpec>
      method;  // what is trained, or, to serve, which adapter there is; nullopt: the base model alone
  // Masters::none: trained weights live in the precision that computes. GradientLife::one_layer: the layers' weights share
  // one gradient, which is complete, and passed on, when the backward pass leaves a layer (LOMO, arXiv 2306.09782).
  Masters masters = Masters::fp32;
  GradientLife gradients = GradientLife::whole_step;
  Quantization quantization = Quantization::none;  // of the frozen linears
  ActivationCheckpointing checkpointing = ActivationCheckpointing::off;
  // Both with the virtual tokens that the method puts before every document.
  int64_t capacity_tokens = 0;  // largest micro-batch (training, evaluation) or prompt chunk (serving)
  int64_t max_document = 0;     // longest document: sizes rotary tables and attention scratch
  // Serving several models over one base: the decoder whose loaded weights this one uses, as far as its method leaves them as they
  // were (same model, precision, device and quantization; it must outlive this one, and have made room for it). The tails of all
  // adapters take turns in those weights: sync_weights() before another decoder computes with its adapter.
  const Decoder* base = nullptr;
  uint64_t seed = 0;                // initial values of adapters, and dropout
  std::vector<int32_t> prompt_ids;  // of the text that virtual tokens start from; empty: tokens drawn at random
  Parallel parallel = serial();     // which part of the model this rank has, and who has the rest
  int64_t slots = 1;                // micro-batches in flight at most, each with activations of its own
  Overlap overlap = Overlap::none;  // of what weights of ZeRO 3 need to come
};

// Parameters whose gradients a backward pass has completed: `parameters` are trainable()[first, first + size). The receiver
// updates them or measures their gradients; afterwards the decoder sets the gradients to zero.
struct CompletedGradients {
  std::span<Parameter> parameters;
  size_t first = 0;
};
enum class AdapterStart { fresh, stored };
using GradientReceiver = std::function<void(const CompletedGradients&)>;

// Sums over the targets of a micro-batch, or of one document: minus its log-probability. In training weighted by the targets' weights; the
// caller divides by the weight of the whole step.
struct LossSums {
  double loss = 0;  // sum of cross entropies, nats
  int64_t targets = 0;
  int64_t correct = 0;  // targets whose logit is the largest; counted by stage_losses() and evaluate() only

  LossSums& operator+=(const LossSums& other) {
    loss += other.loss;
    targets += other.targets;
    correct += other.correct;
    return *this;
  }
};

// For objectives that are not a sum of losses: factors of the gradients of every document's losses, from the losses themselves.
using DocumentFactors = std::function<std::vector<double>(std::span<const LossSums> documents)>;

// What one forward and backward pass works on. Gradients get d(grad_scale * weighted loss sum)/d(parameter). `key` differs between the
// micro-batches of a run: dropout masks are a pure function of seed and key.
struct MicroBatch {
  PackedBatch batch;
  double grad_scale = 0;
  uint64_t key = 0;
  Labels labels = {};
  DocumentFactors factors = {};  // empty: all 1; else the head scores the documents before it trains on them
};

// A micro-batch on its way through one chunk of the rank's layers. What the backward pass needs is kept in the slot from
// stage_forward() to stage_backward().
struct StagePass {
  const MicroBatch& micro_batch;
  int64_t chunk = 0;  // of the rank
  int64_t slot = 0;   // 0 .. slots() - 1
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
  void load(const std::filesystem::path& folder, const Progress& progress = {},
            AdapterStart start = AdapterStart::fresh);
  // Random weights (normal, std 0.02; norms 1): benchmarks and tests.
  void randomize(uint64_t seed, RandomSource source = RandomSource::name);

  // One chunk of the pipeline at a time; Pipeline (engine/train/pipeline.h) calls these in order and carries the tensors between
  // ranks. All are [M, D] in the format that computes, M the rank's share (core/grid/parallel.h, TokenShare) of the tokens with virtual ones.
  int64_t slots() const;
  // Where the chunk's input goes before stage_forward(), unless it is the first of the pipeline.
  at::Tensor stage_input(const StagePass& pass);
  // The chunk's output; kept until the slot is used again.
  at::Tensor stage_forward(const StagePass& pass);
  // After the forward pass of the last chunk, for evaluation: the losses without gradients, of every document of the batch in order.
  std::vector<LossSums> stage_losses(const StagePass& pass);
  // Where the gradient of the chunk's output goes before stage_backward(), unless it is the last of the pipeline.
  at::Tensor stage_output_gradient(const StagePass& pass);
  // Adds to the gradients of the chunk's weights; sums of the last chunk. `receive` gets the gradients layer by layer, or is empty.
  LossSums stage_backward(const StagePass& pass, const GradientReceiver& receive);
  // Whether a gradient goes on to the chunk below, and whether one comes from the chunk above: not where nothing below is trained.
  bool gradient_leaves(int64_t chunk) const;
  bool gradient_arrives(int64_t chunk) const;
  // After stage_backward(): the gradient of the chunk's input; kept until the slot is used again.
  at::Tensor stage_input_gradient(const StagePass& pass);

  // For a rank that has no micro-batch where other data-parallel ranks have one: takes part in what they do together. Backward all
  // gradients are passed on as they are, in the order of a backward pass.
  void idle_forward();
  void idle_backward(const GradientReceiver& receive);
  // The groups of parameters in which gradients are passed on, in order; nothing is changed.
  void visit_gradient_groups(const GradientReceiver& visit);
  // The place in trainable() of a table that the first and the last stage of a pipeline both train (tied embeddings). It is in no
  // other hand-out: its gradient is complete when both have added theirs.
  std::optional<size_t> tied_table() const;
  void on_tied_gradients_ready(const GradientReceiver& receive);
  // Whether this rank counts a trainable parameter in sums over the whole model, such as the gradient norm: of the ranks of tensor and
  // pipeline parallelism that hold an element, one does.
  bool counts(size_t trainable_index) const;

  // Adds d(grad_scale * weighted loss sum)/d(parameter) to every trainable gradient. `dropout_key` must differ between micro-batches
  // (the caller derives it from step and micro-batch index): masks are a pure function of seed and key.
  LossSums forward_backward(const PackedBatch& batch, double grad_scale, uint64_t dropout_key,
                            const Labels& labels = {});
  // GradientLife::one_layer: the same, handing out gradients as they are complete, from the top down. Trainable gradients
  // are zero before and after. What is updated is synchronized layer by layer.
  LossSums forward_backward_fused(const PackedBatch& batch, double grad_scale, uint64_t dropout_key,
                                  const GradientReceiver& receive, const Labels& labels = {});
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
  // Once all micro-batches of a step are in: gradients of which the ranks of a tensor-parallel group have a part each are summed, and
  // what the method adds besides the loss's is added.
  void finish_gradients();
  // Once the optimizer has updated the masters, before sync_weights(): what the method does over the whole model (AdaLoRA
  // allocates ranks). A report when ranks changed.
  std::optional<RankReport> after_update(const StepProgress& now);
  // Whether that follows a plan over all steps of the run, whose number must not change then.
  bool plans_all_steps() const;
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
  // One token more in each of several conversations, which have some already, no conversation twice: at most capacity_tokens of them.
  // fp32 logits [conversations, vocab_size] on the CPU. Each computes what extend() computes for it alone, up to how matrix products round.
  at::Tensor extend_each(std::span<const int32_t> ids, std::span<KvCache* const> caches, AdapterUse adapter);
  // So many conversations at once cost little more than one.
  int64_t answers_at_once() const;
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
