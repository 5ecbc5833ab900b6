// The parts of a decoder, shared by the files that implement it: decoder.cpp (training, evaluation), decoder_serve.cpp
// (conversations), decoder_parts.cpp (construction, names, memory).
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "core/grid/pipeline_schedule.h"
#include "core/plan/parameter_owners.h"
#include "engine/model/decoder.h"
#include "engine/model/gathered_layers.h"
#include "engine/model/head.h"
#include "engine/model/layer.h"
#include "engine/model/weights.h"
#include "engine/peft/prompt_adapter.h"

namespace collie {

// What weights are computed with in.
inline at::TensorOptions storage_of(const DecoderOptions& options) {
  return at::TensorOptions()
      .dtype(options.precision == Precision::bf16 ? at::kBFloat16 : at::kFloat)
      .device(options.device);
}

struct Decoder::Impl {
  Impl(const ModelConfig& config, const DecoderOptions& options);

  // Rows of SharedBuffers::integers.
  enum Row { kIds, kPositions, kTargets, kRows, kCorrect };

  // Layers [begin, end) of the rank; whether they are the first, the last chunk of the pipeline.
  struct Chunk {
    size_t begin, end;
    bool first, last;
  };
  struct Uploaded {
    const PackedBatch& batch;
    StepContext ctx;
  };
  Chunk chunk(int64_t index) const;
  Uploaded upload_pass(const StagePass& pass);
  int64_t computed_tokens(const StagePass& pass) const;
  bool gradient_goes_below(size_t layer) const;

  HeadWeights head_weights() const {
    return {lm_head ? *lm_head : *embedding, lm_head_bias ? &*lm_head_bias : nullptr};
  }
  Communicator& tp() const { return *options.parallel.tp; }
  // The layer's weights, ready to compute with.
  Layer& use_layer(size_t index, Pass pass);
  bool shared_vocabulary() const { return layout.vocabulary.size < layout.vocabulary_size; }
  // Every weight of its own under its Hugging Face name.
  std::vector<WeightSlot> slots();
  void collect_parameters();
  // Every part of the model once.
  // Final norm and head.
  std::vector<BaseWeight*> after_layers();
  void each_weight(const std::function<void(BaseWeight&)>& visit);
  void each_linear(const std::function<void(Linear&)>& visit);
  // The same with the base weights there.
  void each_linear_in_use(const std::function<void(Linear&)>& visit);
  void each_serial(const std::function<void(SerialAdapter&)>& visit);
  void start_adapters();
  void make_tables();
  void make_method();
  void start_prompt();

  // The batch as it is computed: with the slots of virtual tokens, when there are any and the adapter is on.
  const PackedBatch& with_slots(const PackedBatch& batch, AdapterUse adapter);
  StepContext upload(const PackedBatch& batch, AdapterUse adapter);
  // Rows of the rank's part of the vocabulary, -1 for those of other ranks.
  std::span<const int32_t> own_rows(std::span<const int32_t> ids);
  void upload_ids(std::span<const int32_t> ids);
  TokenRows token_rows(int64_t tokens) const { return {tp(), token_share(layout.shard, tokens)}; }
  // The input of the first layer, x [M, D], from the ids that were uploaded and the virtual tokens.
  void embed(const StepContext& ctx, const at::Tensor& x) const;
  // Without learned positions: what virtual tokens start from.
  void look_up(const StepContext& ctx, const at::Tensor& x) const;
  void add_positions(const StepContext& ctx, const at::Tensor& x) const;
  void scale_embeddings(const at::Tensor& x) const;
  const std::vector<int32_t>& rope_positions(const PackedBatch& batch);
  TargetRows upload_targets(const PackedBatch& batch);
  // Scales of the gradients of the targets that were uploaded; `factors` of the documents, empty: all 1.
  at::Tensor upload_scales(const PackedBatch& batch, double grad_scale, std::span<const double> factors);
  Pending forward(const StepContext& ctx);
  // Computes rows after those that caches hold: [first, first + count) of them go on with one.
  struct Turn {
    KvCache& cache;
    int64_t first = 0, count = 0;
  };
  Pending advance(const StepContext& ctx, std::span<const Turn> turns);
  Pending advance(const StepContext& ctx, KvCache& cache) {
    const Turn whole{cache, 0, ctx.n};
    return advance(ctx, {&whole, 1});
  }
  // Logits of the rows from `first` on, [rows, vocabulary], as all ranks that go on together have them.
  at::Tensor shared_logits(const StepContext& ctx, const Pending& pending, int64_t first);
  StepContext upload_rows(std::span<const int32_t> ids, std::vector<int32_t> positions, AdapterUse adapter);
  StepContext upload_chunk(std::span<const int32_t> ids, int64_t first_position, AdapterUse adapter);
  void append_slots(KvCache& cache);
  std::vector<LayerCache> empty_cache(int64_t rows) const;
  // `receive` is called for every layer's parameters once the layer is done, the head's first and the embedding's last; or null.
  void backward(const StepContext& ctx, const Chunk& chunk, int64_t slot, const at::Tensor& dx,
                const GradientReceiver& receive);
  void on_gradients_ready(const GradientReceiver& receive, std::optional<size_t> layer);
  void sync_head();
  // Sums over the tensor-parallel group those gradients of trainable[begin, end) of which every rank has seen a part only; once, until
  // they start from zero again.
  void sum_gradients(size_t begin, size_t end);
  void zero_gradients(size_t begin, size_t end);
  at::Tensor bucket_buffer();
  LossSums sums(const TargetRows& targets, const PackedBatch& batch) const;
  std::vector<LossSums> document_sums(const TargetRows& targets, const PackedBatch& batch) const;

  // What a decoder with this method can use of this one.
  SharedBase shared_base(const MethodSpec& method);
  bool make_room(const MethodSpec& guest);  // false: there was enough

  ModelConfig config;
  DecoderOptions options;
  SharedBase base;  // of options.base; empty without one
  ModelLayout layout;
  std::unique_ptr<Kernels> kernels;
  Workspace workspace;
  std::unique_ptr<Communicator> replicas;  // ranks with the same key-value head; null: only this one has it
  std::optional<BaseWeight>
      embedding;  // [V, D], absent on pipeline stages that neither look up ids nor use it as a head
  std::optional<BaseWeight> position_table;  // [longest document, D] on the first stage, where positions are learned
  std::optional<BaseWeight> lm_head_bias;    // fp32 [V], on the last stage of families that have it
  std::optional<BaseWeight> lm_head;         // [V, D], absent when tied, and on stages other than the last
  ParameterOwners owners;
  std::vector<Layer> layers;
  std::optional<GatheredLayers> gathered;  // ZeRO 3
  std::optional<Head> head;                // on the last stage
  std::unique_ptr<ModelMethod> method;     // null: the method has no part over the whole model
  std::unique_ptr<PromptAdapter> prompt;   // null: no virtual tokens
  PackedBatch slotted;
  // By owner, in the order of `trainable`: embedding and prompt, layers, then final norm and head.
  std::vector<Parameter> trainable;
  std::vector<bool> summed;                      // by place in trainable: its gradient is the group's sum already
  int64_t bucket_size = 0;                       // floats of bucket_buffer(); 0: not agreed on yet
  size_t first_untied = 0;                       // 1: trainable[0] is a table that another stage trains too
  std::vector<size_t> layer_begin;               // layers + 1: where the parameters of each layer begin
  std::vector<int32_t> target_rows, target_ids;  // of the micro-batch, on the host
  std::vector<float> target_scales;
  std::vector<int32_t> row_ids;    // what own_rows() returned
  std::vector<int32_t> positions;  // what rope_positions() returned
};

}  // namespace collie
