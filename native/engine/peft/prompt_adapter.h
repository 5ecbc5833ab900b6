// What a method with virtual tokens adds to a decoder. The decoder puts v slots before every document of a micro-batch and
// before a conversation; a method fills them, as input vectors (prompt tuning, p-tuning) or as keys and values of every
// layer (prefix tuning). Each method is a file here that registers itself under the type that core/recipe/peft_methods.cpp
// declares.
//
// Legend: N tokens with the slots, v slots of a document, D hidden size, K = key-value heads * head dimension.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "core/base/registry.h"
#include "core/plan/model_layout.h"
#include "engine/peft/context.h"
#include "engine/peft/parameter.h"

namespace collie {

struct PromptSite {
  const ModelConfig& config;
  int64_t virtual_tokens = 0;
  at::Device device = at::kCPU;
  Purpose purpose = Purpose::serve;  // train: with gradients
  uint64_t seed = 0;                 // of initial values
  const ModelLayout& model;
  Communicator& tp;  // every rank of it has the adapter whole
  at::Tensor work;   // fp32, what SharedShapes::prompt says: of this adapter alone, kept between calls

  at::TensorOptions fp32() const { return at::TensorOptions().dtype(at::kFloat).device(device); }
};

// What the base model makes of the v tokens that the slots start from.
struct PromptStart {
  at::Tensor embeddings;  // storage [v, D]
  // Keys, rotated to positions 0 .. v - 1, beside values of every layer, of the rank's heads: storage [v, 2 K] each. Runs the model.
  std::function<std::vector<at::Tensor>()> keys_values;
};

class PromptAdapter {
 public:
  virtual ~PromptAdapter() = default;

  // x [N, D], the input of the first layer: writes the rows of the slots.
  virtual void embed(const StepContext&, const at::Tensor& x) const {}
  // dx [N, D], the gradient of that input: adds up the rows of the slots.
  virtual void embed_backward(const StepContext&, const at::Tensor& dx) {}
  // kv [N, 2 K], rotated keys beside values of a layer: writes the rows of the slots.
  virtual void keys_values(const StepContext&, int64_t layer, const at::Tensor& kv) const {}
  // dkv [N, 2 K], their gradient: adds up the rows of the slots and sets them to zero, where they were overwritten.
  virtual void keys_values_backward(const StepContext&, int64_t layer, const at::Tensor& dkv) {}

  // Values of a fresh start.
  virtual void init(Kernels&, const PromptStart& start) {}
  // After masters changed.
  virtual void sync(Kernels&) {}
  // Trained tensors in a fixed order; without gradients when serving.
  virtual std::vector<Parameter> parameters() const = 0;
};

using PromptAdapterMaker = std::unique_ptr<PromptAdapter> (*)(const MethodSpec& method, const PromptSite& site);

using PromptAdapterRegistration = Registration<PromptAdapterMaker>;

// The adapter of a model; null when the method has no virtual tokens.
std::unique_ptr<PromptAdapter> make_prompt_adapter(const MethodSpec& method, const PromptSite& site);

// Calls `visit` with the slots of each document: rows [v, *] of a tensor [N, *].
void each_document_slots(const StepContext& ctx, const at::Tensor& rows, int64_t virtual_tokens,
                         const std::function<void(const at::Tensor&)>& visit);

// The token ids that v slots start from: those of a text, repeated or cut to v as PEFT does; without a text ids of the
// vocabulary, drawn with the seed.
std::vector<int32_t> prompt_start_ids(std::span<const int32_t> text, int64_t virtual_tokens, int64_t vocab_size,
                                      uint64_t seed);

}  // namespace collie
