// What a PEFT method adds to one fused linear: the contract between engine/model/linear.h, which has the base weight and does
// the products, and the methods, each a file here that registers itself under the type that core/recipe/peft_methods.cpp declares.
//
// Legend: N tokens, in + tail the columns of the input buffer, out the rows of the fused weight.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "core/base/registry.h"
#include "core/plan/model_layout.h"
#include "engine/peft/context.h"
#include "engine/peft/parameter.h"

namespace collie {

enum class InputGradient { wanted, not_wanted };

// Where an adapter sits.
struct AdapterSite {
  LinearLayout layout;
  at::ScalarType storage = at::kFloat;
  at::Device device = at::kCPU;
  Purpose purpose = Purpose::serve;  // train: with gradients
  uint64_t seed = 0;                 // of initial values
  std::string prefix;                // "model.layers.0."
  int64_t layer = 0, index = 0;      // which of the model's linears this is: dropout masks differ
  Communicator* tp = nullptr;        // who shares the linear when its layout is split; null otherwise

  at::TensorOptions fp32() const { return at::TensorOptions().dtype(at::kFloat).device(device); }
  at::TensorOptions stored() const { return at::TensorOptions().dtype(storage).device(device); }
  // Of tensors along the outputs of a part (dim of the tensor), and along the inputs of the linear.
  Placement along_outputs(const Projection& part, int64_t dim = 0) const;
  Placement along_inputs(int64_t dim = 1) const;
};

// The whole fused weight [out, in + tail] beside its adapter, and the bias fp32 [out] that output() saw added; undefined: none.
struct SeenWeight {
  at::Tensor weight, bias;
};

class LinearAdapter {
 public:
  virtual ~LinearAdapter() = default;

  // Forward. y [N, out] = input(x) W^T, then output(y), then the linear's bias, or the bias first. x [N, in + tail]: the first `in` columns are the linear's input; W
  // [out, in + tail] is the base weight beside what sync() wrote.
  // Fills the tail columns of x. Also called when a backward pass computes its inputs again.
  virtual void forward_tail(const StepContext&, const at::Tensor& x) const {}
  // What W is multiplied with: x, or a changed copy of all its columns in ctx.input_scratch().
  virtual at::Tensor input(const StepContext&, const at::Tensor& x) const { return x; }
  // Changes y in place. Where a group shares the linear by columns, y is this rank's part of a sum.
  virtual void output(const StepContext&, const at::Tensor& y) const {}
  // True: output() changes the sum of product and bias.
  virtual bool output_sees_bias() const { return false; }

  // Backward, in this order. dy [N, out] is the gradient of output()'s result: accumulates the gradients of what output()
  // did and returns the gradient of the product: dy itself (which must not be changed), or ctx.output_scratch().
  virtual at::Tensor output_backward(const StepContext&, const SeenWeight& seen, const at::Tensor& x,
                                     const at::Tensor& dy) {
    return dy;
  }
  // True: input_backward() reads the input columns of dx even when no input gradient is wanted.
  virtual bool needs_input_product() const { return false; }
  // dx [N, in + tail] = dy W (only its tail when the input's gradient is not wanted and needs_input_product() is false):
  // accumulates the factors' gradients and completes dx's first `in` columns when wanted.
  virtual void input_backward(const StepContext&, const at::Tensor& dy, const at::Tensor& x, const at::Tensor& dx,
                              InputGradient wanted) {}

  // Values that depend on the base weight, for a fresh start; `base` [out, in] holds all parts, any format.
  virtual void init_from_base(Kernels&, const at::Tensor& base) {}
  // Once the adapter's tensors have their starting values, fresh or from a checkpoint: changes the base weight, if at all.
  virtual void bind_base(Kernels&, const at::Tensor& base) {}
  // After masters changed: refreshes compute copies and the tail of W [out, in + tail].
  virtual void sync(Kernels&, const at::Tensor& weight) {}
  // Once all micro-batches of a step are in, before clipping: adds what does not come from the loss to the gradients.
  virtual void finish_gradients(Kernels&) {}

  // Trained tensors in a fixed order, part by part; without gradients when serving.
  virtual std::vector<Parameter> parameters() const = 0;
  // Tensors that are not trained and belong to the adapter's file; and state of the method that only a resume needs.
  virtual std::vector<NamedTensor> constants() const { return {}; }
  virtual std::vector<NamedTensor> state() const { return {}; }
  virtual int64_t weight_bytes() const = 0;
  virtual int64_t gradient_bytes() const = 0;
};

using LinearAdapterMaker = std::unique_ptr<LinearAdapter> (*)(const MethodSpec& method, const AdapterSite& site);

using LinearAdapterRegistration = Registration<LinearAdapterMaker>;

// The adapter of one linear; null when the method adds nothing to it.
std::unique_ptr<LinearAdapter> make_linear_adapter(const MethodSpec& method, const AdapterSite& site);

}  // namespace collie
