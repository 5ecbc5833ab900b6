// The parts of a decoder, shared by the files that implement it: decoder.cpp (training, evaluation), decoder_serve.cpp
// (conversations), decoder_parts.cpp (construction, names, memory).
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "engine/model/decoder.h"
#include "engine/model/head.h"
#include "engine/model/layer.h"
#include "engine/model/weights.h"

namespace collie {

struct Decoder::Impl {
  Impl(const ModelConfig& config, const DecoderOptions& options);

  // Rows of SharedBuffers::integers.
  enum Row { kIds, kPositions, kTargets, kRows, kCorrect };

  at::TensorOptions storage() const;
  const VocabularyTable& head_table() const { return lm_head ? *lm_head : embedding; }
  // Every weight under its Hugging Face name.
  std::vector<WeightSlot> slots();
  void collect_parameters();

  StepContext upload(const PackedBatch& batch);
  TargetRows upload_targets(const PackedBatch& batch);
  Pending forward(const StepContext& ctx);
  void backward(const StepContext& ctx, const at::Tensor& dx);
  LossSums sums(const TargetRows& targets) const;

  ModelConfig config;
  DecoderOptions options;
  LayerLayout layout;
  std::unique_ptr<Kernels> kernels;
  Workspace workspace;
  VocabularyTable embedding;
  std::optional<VocabularyTable> lm_head;  // absent when tied
  std::vector<Layer> layers;
  Head head;
  std::vector<Parameter> trainable, adapter;
  std::vector<int32_t> target_rows, target_ids;  // of the micro-batch, on the host
};

}  // namespace collie
