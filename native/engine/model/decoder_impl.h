// The parts of a decoder, shared by the files that implement it: decoder.cpp (training, evaluation), decoder_serve.cpp
// (conversations), decoder_parts.cpp (construction, names, memory).
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "engine/model/decoder.h"
#include "engine/model/head.h"
#include "engine/model/layer.h"
#include "engine/model/weights.h"
#include "engine/peft/prompt_adapter.h"

namespace collie {

struct Decoder::Impl {
  Impl(const ModelConfig& config, const DecoderOptions& options);

  // Rows of SharedBuffers::integers.
  enum Row { kIds, kPositions, kTargets, kRows, kCorrect };

  at::TensorOptions storage() const;
  const BaseWeight& head_table() const { return lm_head ? *lm_head : embedding; }
  // Every weight of its own under its Hugging Face name.
  std::vector<WeightSlot> slots();
  void collect_parameters();
  // Every part of the model once.
  void each_weight(const std::function<void(BaseWeight&)>& visit);
  void each_linear(const std::function<void(Linear&)>& visit);
  void each_serial(const std::function<void(SerialAdapter&)>& visit);
  void start_adapters();
  void make_method();
  void start_prompt();

  // The batch as it is computed: with the slots of virtual tokens, when there are any and the adapter is on.
  const PackedBatch& with_slots(const PackedBatch& batch, AdapterUse adapter);
  StepContext upload(const PackedBatch& batch, AdapterUse adapter);
  TargetRows upload_targets(const PackedBatch& batch);
  Pending forward(const StepContext& ctx);
  // Computes n tokens after those that a cache holds.
  Pending advance(const StepContext& ctx, KvCache& cache);
  StepContext upload_chunk(std::span<const int32_t> ids, int64_t first_position, AdapterUse adapter);
  void append_slots(KvCache& cache);
  std::vector<LayerCache> empty_cache(int64_t rows) const;
  // `receive` is called for every layer's parameters once the layer is done, the head's first and the embedding's last; or null.
  void backward(const StepContext& ctx, const at::Tensor& dx, const GradientReceiver& receive);
  void hand_out(const GradientReceiver& receive, std::optional<size_t> layer);
  void sync_head();
  LossSums loss_and_gradients(const PackedBatch& batch, double grad_scale, uint64_t dropout_key, const Labels& labels,
                              const GradientReceiver& receive);
  LossSums sums(const TargetRows& targets) const;

  // What a decoder with this method can use of this one.
  SharedBase shared_base(const MethodSpec& method);
  void make_room(const MethodSpec& guest);

  ModelConfig config;
  DecoderOptions options;
  SharedBase base;  // of options.base; empty without one
  ModelLayout layout;
  std::unique_ptr<Kernels> kernels;
  Workspace workspace;
  BaseWeight embedding;              // [V, D]
  std::optional<BaseWeight> lm_head;  // [V, D], absent when tied
  std::vector<Layer> layers;
  Head head;
  std::unique_ptr<ModelMethod> method;  // null: the method has no part over the whole model
  std::unique_ptr<PromptAdapter> prompt;  // null: no virtual tokens
  PackedBatch slotted;
  // By owner, in the order of `trainable`: embedding and prompt, layers, then final norm and head.
  std::vector<Parameter> trainable;
  std::vector<size_t> layer_begin;  // layers + 1: where the parameters of each layer begin
  std::vector<int32_t> target_rows, target_ids;  // of the micro-batch, on the host
};

}  // namespace collie
