// What a method puts in series after a block of a decoder layer: after attention's output projection and after the MLP's down
// projection, before the residual addition. A method is a file here that registers itself under the type that
// core/recipe/peft_methods.cpp declares.
//
// Legend: N tokens (the rank's own, with sequence parallelism), D hidden size.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/base/registry.h"
#include "core/plan/model_layout.h"
#include "engine/peft/context.h"
#include "engine/peft/parameter.h"

namespace collie {

struct SerialSite {
  std::string name;  // "model.layers.0.attention_adapter"
  int64_t hidden = 0;
  at::ScalarType storage = at::kFloat;
  at::Device device = at::kCPU;
  Purpose purpose = Purpose::serve;  // train: with gradients
  uint64_t seed = 0;                 // of initial values
  Placement placement = {};          // of its tensors: every rank of a tensor-parallel group has them
};

class SerialAdapter {
 public:
  virtual ~SerialAdapter() = default;

  // Changes y [N, D] in place. Keeps in `kept` (LayerShapes::serial1, serial2) what backward() needs.
  virtual void forward(const StepContext& ctx, const at::Tensor& y, const at::Tensor& kept) const = 0;
  // dy [N, D] is the gradient of forward()'s result and must not be changed: accumulates the gradients of the adapter and
  // returns the gradient of its input, a view of `kept`, which is used up.
  virtual at::Tensor backward(const StepContext& ctx, const at::Tensor& dy, const at::Tensor& kept) = 0;
  // After masters changed: refreshes compute copies.
  virtual void sync(Kernels& kernels) = 0;

  // Trained tensors in a fixed order; without gradients when serving.
  virtual std::vector<Parameter> parameters() const = 0;
  virtual int64_t weight_bytes() const = 0;
};

using SerialAdapterMaker = std::unique_ptr<SerialAdapter> (*)(const MethodSpec& method, const SerialSite& site);

using SerialAdapterRegistration = Registration<SerialAdapterMaker>;

// Null when the method puts nothing in series.
std::unique_ptr<SerialAdapter> make_serial_adapter(const MethodSpec& method, const ModelLayout& model,
                                                   const SerialSite& site);

}  // namespace collie
