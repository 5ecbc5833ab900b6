// Projections of one input as one weight, with what a PEFT method adds; explicit forward and backward.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "core/plan/model_layout.h"
#include "engine/kernels/kernels.h"
#include "engine/model/shared_base.h"
#include "engine/peft/linear_adapter.h"

namespace collie {

struct LinearOptions {
  AdapterSite site;  // layout, formats, names, seed
  Masters masters = Masters::fp32;
  const MethodSpec* method = nullptr;  // null: no adapter
  // A gradient of the same shape to accumulate into, for updates in the backward pass: layers share one. Undefined: its own.
  at::Tensor shared_grad;
  at::Tensor shared_bias_grad;
  at::Tensor weight_scratch;             // with a quantized weight: a buffer that all linears share, for the one in use
  const SharedLinear* shared = nullptr;  // another decoder's weight, to be used instead of an own one
  // ZeRO 3: where the weight is put together when it is used, shared with other layers. Of each part its owner has what lasts.
  const SharedLinear* gathered = nullptr;
  std::vector<Ownership> owners;  // of the parts; empty: every rank has everything
};

class Linear {
 public:
  explicit Linear(const LinearOptions& options);

  // x [N, in + tail or wider]: the first `in` columns are the input, the tail is written. y [N, out]. Of a linear that a tensor-parallel
  // group shares by rows, y is this rank's outputs; by columns, y [P, out] is the sum over the group in the rank's own rows. x may have
  // more rows than there are tokens: P padded ones (ctx.rows).
  void forward(const StepContext& ctx, const at::Tensor& x, const at::Tensor& y) const;
  // Only the tail of x, for a backward pass that recomputes its inputs.
  void forward_tail(const StepContext& ctx, const at::Tensor& x) const;
  // Accumulates weight gradients; dx [N, in + tail] gets the input's gradient in its first `in` columns when wanted, its
  // tail is scratch. Of a linear shared by rows, dx [P, in + tail] is the sum over the group in the rank's own rows.
  void backward(const StepContext& ctx, const at::Tensor& dy, const at::Tensor& x, const at::Tensor& dx,
                InputGradient wanted);
  // Anything to train here?
  bool trained() const { return layout().weight == Trained::yes || (adapter_ && site_.purpose == Purpose::train); }

  const LinearLayout& layout() const { return site_.layout; }
  // Rows of the base weight that belong to a part, where loading writes: the master when trained and here, else the compute weight;
  // undefined when another rank has what lasts of it. A quantized weight goes through the shared buffer; loaded() is to be called
  // before it is used again.
  at::Tensor base_weight(const Projection& part) const;
  const Ownership& ownership(const Projection& part) const { return owners_[index_of(part)]; }
  Placement placement(const Projection& part) const;  // of those rows
  void loaded(const Projection& part);
  // Of a quantized weight that ranks share: takes the rank's part of the whole matrix, instead of base_weight() and loaded().
  void load_part(const Projection& part, const at::Tensor& whole);
  bool takes_whole() const { return quantized() && layout().split != Split::none; }
  bool shares_weight() const { return shares_; }  // another decoder's, which loads it
  // Makes the weight wide enough for the tail of another decoder that shares it, for all that share it.
  // False: it is already.
  bool make_room(int64_t row_stride);
  SharedLinear shared() const { return {buffer_, quantized_, bias_}; }
  // Of the part's outputs, fp32 [out of the part]; undefined when the linear has none.
  at::Tensor bias(const Projection& part) const {
    return bias_.defined() ? bias_.narrow(0, part.out_begin, part.out) : at::Tensor();
  }
  Placement bias_placement(const Projection& part) const;

  // Of a gathered weight, before it is used: its parts come from their owners. May run beside a computation with other layers.
  void gather(Communicator& ranks);
  // Then, by who computes: what the adapter puts beside it.
  void gathered(Kernels& kernels);
  const at::Tensor& grad() const { return grad_; }            // fp32 [out, in], or undefined
  const at::Tensor& bias_grad() const { return bias_grad_; }  // fp32 [out], or undefined
  LinearAdapter* adapter() { return adapter_.get(); }
  // The adapter's values that depend on the base weight; to be called when that is loaded.
  void init_from_base(Kernels& kernels);
  void bind_base(Kernels& kernels);
  void sync(Kernels& kernels);
  // Weights and biases that are trained, part by part; and the adapter's tensors (without gradients when it is only served).
  std::vector<Parameter> weights() const;
  std::vector<Parameter> adapter_parameters() const;
  int64_t weight_bytes() const;
  int64_t gradient_bytes() const;  // without a shared gradient

 private:
  // The rank's own part of forward() and backward().
  void multiply(const StepContext& ctx, const at::Tensor& x, const at::Tensor& y) const;
  void add_bias(const StepContext& ctx, const at::Tensor& y) const;
  // `dy`: of the sum of product and bias.
  void differentiate_bias(const StepContext& ctx, const at::Tensor& dy);
  void differentiate(const StepContext& ctx, const at::Tensor& dy, const at::Tensor& x, const at::Tensor& dx,
                     InputGradient wanted);
  // The whole fused weight, storage [out, in + tail]. A quantized one is made in the shared buffer, and is there until
  // another linear asks for its own.
  at::Tensor weight(Kernels& kernels) const;
  at::Tensor computes() const;  // the same for a weight that is not quantized
  size_t index_of(const Projection& part) const { return static_cast<size_t>(&part - layout().parts.data()); }
  at::Tensor rows(const at::Tensor& all, const Projection& part) const {
    return all.narrow(0, part.out_begin, part.out);
  }
  void make_lasting(Masters masters);
  std::vector<Nf4Matrix>& held_quantized() { return gathers_ ? lasting_quantized_ : quantized_; }
  void sync_adapter(Kernels& kernels);
  // After the adapter has changed the base weight in place: where it lasts it changes too.
  void keep_base();
  at::Tensor input_columns(const at::Tensor& weight) const { return weight.narrow(1, 0, layout().in); }
  bool quantized() const { return layout().quantization != Quantization::none; }
  bool adapts(const StepContext& ctx) const { return adapter_ && ctx.adapter == AdapterUse::on; }

  AdapterSite site_;
  std::vector<Ownership> owners_;  // part by part
  bool shares_ = false, gathers_ = false;
  // storage [out, in + tail or wider]: room for tails of others that share it; undefined when quantized.
  at::Tensor buffer_;
  // Part by part [out of the part, in]: masters of what is trained, which are rows of the buffer where those compute; with gathers_ the
  // frozen weights of this rank too. Undefined where another rank has them, and of other frozen weights.
  std::vector<at::Tensor> lasting_;
  std::vector<Nf4Matrix> quantized_;          // part by part; of gathered ones in buffers that layers share
  std::vector<Nf4Matrix> lasting_quantized_;  // with gathers_, of this rank
  at::Tensor tail_;                           // of a quantized weight: storage [out, tail]
  at::Tensor scratch_;                        // storage [out, in + tail], shared
  at::Tensor grad_;                           // [out, in], when the weight is trained
  at::Tensor bias_,
      bias_grad_;  // fp32 [out], added to products in fp32: a bias may be many times larger than what it is added to
  bool owns_grad_ = false;
  std::unique_ptr<LinearAdapter> adapter_;
};

}  // namespace collie
