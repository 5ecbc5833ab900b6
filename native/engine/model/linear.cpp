#include "engine/model/linear.h"

#include <ATen/ops/set.h>
#include <ATen/ops/zeros.h>

#include "engine/peft/nf4.h"

namespace collie {

Linear::Linear(const LinearOptions& options) : site_(options.site) {
  const AdapterSite& site = site_;
  const LinearLayout& l = site.layout;
  if (l.weight == Trained::yes) {
    const bool fp32 = options.masters == Masters::fp32;
    master_ = at::zeros({l.out, l.in}, fp32 ? site.fp32() : site.stored());
    owns_grad_ = !options.shared_grad.defined();
    grad_ = owns_grad_ ? at::zeros({l.out, l.in}, site.fp32()) : options.shared_grad;
  }
  // A trained weight that has the format and the columns to compute with is used as it is.
  const bool master_computes = master_.defined() && master_.scalar_type() == site.storage && l.tail == 0;
  shares_ = options.shared != nullptr;
  if (master_computes) {
    weight_ = master_;
  } else if (quantized()) {
    weight_ = at::zeros({l.out, l.tail}, site.stored());
  } else {
    buffer_ = shares_ ? options.shared->weight : at::zeros({l.out, l.width()}, site.stored());
  }
  if (quantized()) {
    scratch_ = options.weight_scratch.flatten().narrow(0, 0, l.out * l.width()).view({l.out, l.width()});
    if (shares_)
      quantized_ = options.shared->quantized;
    else
      quantized_.resize(l.parts.size());
  }
  if (options.method) adapter_ = make_linear_adapter(*options.method, site);
}

at::Tensor Linear::computes() const { return buffer_.defined() ? buffer_.narrow(1, 0, layout().width()) : weight_; }

bool Linear::make_room(int64_t tail) {
  const int64_t width = layout().in + tail;
  if (!buffer_.defined() || buffer_.size(1) >= width) return false;
  const at::Tensor wider = at::zeros({layout().out, width}, buffer_.options());
  wider.narrow(1, 0, buffer_.size(1)).copy_(buffer_);
  buffer_.set_(wider);  // in place: every decoder that shares it has the wider one, and the old one is gone
  return true;
}

at::Tensor Linear::weight(Kernels& kernels) const {
  if (!quantized()) return computes();
  for (size_t i = 0; i < layout().parts.size(); ++i) {
    const Projection& part = layout().parts[i];
    kernels.dequantize_nf4(quantized_[i], input_columns(scratch_).narrow(0, part.out_begin, part.out));
  }
  if (layout().tail > 0) kernels.copy(weight_, scratch_.narrow(1, layout().in, layout().tail));
  return scratch_;
}

void Linear::forward_tail(const StepContext& ctx, const at::Tensor& x) const {
  if (adapts(ctx)) adapter_->forward_tail(ctx, ctx.rows.tokens(x).narrow(1, 0, layout().width()));
}

void Linear::multiply(const StepContext& ctx, const at::Tensor& wide_x, const at::Tensor& y) const {
  if (!adapts(ctx)) return ctx.kernels.gemm(wide_x.narrow(1, 0, layout().in), input_columns(weight(ctx.kernels)).t(), y);
  const at::Tensor x = wide_x.narrow(1, 0, layout().width());
  adapter_->forward_tail(ctx, x);
  ctx.kernels.gemm(adapter_->input(ctx, x), weight(ctx.kernels).t(), y);
  adapter_->output(ctx, y);
}

// The collective of the forward pass and that of the backward pass: where inputs are split, outputs are summed; where outputs are
// split, gradients of the input.
void Linear::forward(const StepContext& ctx, const at::Tensor& wide_x, const at::Tensor& y) const {
  multiply(ctx, ctx.rows.tokens(wide_x), ctx.rows.tokens(y));
  if (layout().split == Split::columns) ctx.rows.sum(y);
}

void Linear::backward(const StepContext& ctx, const at::Tensor& dy, const at::Tensor& wide_x, const at::Tensor& dx,
                      InputGradient wanted) {
  differentiate(ctx, dy, ctx.rows.tokens(wide_x), ctx.rows.tokens(dx), wanted);
  if (layout().split == Split::rows && wanted == InputGradient::wanted) ctx.rows.sum(dx.narrow(1, 0, layout().in));
}

void Linear::differentiate(const StepContext& ctx, const at::Tensor& dy, const at::Tensor& wide_x, const at::Tensor& dx,
                           InputGradient wanted) {
  Kernels& k = ctx.kernels;
  const at::Tensor x = wide_x.narrow(1, 0, layout().width());
  if (!adapter_) {
    if (grad_.defined()) k.gemm(dy.t(), x, grad_, {.beta = 1});
    if (wanted == InputGradient::wanted) k.gemm(dy, weight(k), dx);
    return;
  }
  const at::Tensor w = weight(k);
  const at::Tensor product = adapter_->output_backward(ctx, w, x, dy);
  if (grad_.defined()) k.gemm(product.t(), adapter_->input(ctx, x).narrow(1, 0, layout().in), grad_, {.beta = 1});
  if (wanted == InputGradient::wanted || adapter_->needs_input_product())
    k.gemm(product, w, dx);
  else if (layout().tail > 0)
    k.gemm(product, w.narrow(1, layout().in, layout().tail), dx.narrow(1, layout().in, layout().tail));
  adapter_->input_backward(ctx, product, x, dx, wanted);
}

at::Tensor Linear::base_weight(const Projection& part) const {
  const at::Tensor& all = quantized() ? scratch_ : master_.defined() ? master_ : computes();
  return input_columns(all).narrow(0, part.out_begin, part.out);
}

Placement Linear::placement(const Projection& part) const {
  return layout().split == Split::columns ? site_.along_inputs(1) : site_.along_outputs(part, 0);
}

void Linear::loaded(const Projection& part) {
  if (!quantized()) return;
  quantized_[static_cast<size_t>(&part - layout().parts.data())] = quantize_nf4(base_weight(part), scratch_.device());
}

void Linear::load_part(const Projection& part, const at::Tensor& whole) {
  quantized_[static_cast<size_t>(&part - layout().parts.data())] =
      quantize_nf4_part(whole, placement(part).slice, scratch_.scalar_type(), scratch_.device());
}

void Linear::init_from_base(Kernels& kernels) {
  if (adapter_) adapter_->init_from_base(kernels, input_columns(weight(kernels)));
}

void Linear::bind_base(Kernels& kernels) {
  if (adapter_) adapter_->bind_base(kernels, input_columns(weight(kernels)));
}

void Linear::sync(Kernels& kernels) {
  if (master_.defined() && !weight_.is_same(master_)) kernels.copy(master_, input_columns(computes()));
  if (!adapter_) return;
  const at::Tensor whole = weight(kernels);
  // Adapters leave zeros where they found them: between the parts of a fused weight. Another's tail may be there.
  if (shares_ && buffer_.defined()) whole.narrow(1, layout().in, layout().tail).zero_();
  adapter_->sync(kernels, whole);
  if (quantized() && layout().tail > 0) kernels.copy(whole.narrow(1, layout().in, layout().tail), weight_);
}

std::vector<Parameter> Linear::weights() const {
  std::vector<Parameter> all;
  if (!master_.defined()) return all;
  for (const Projection& part : layout().parts)
    all.push_back({.name = site_.prefix + part.module + ".weight",
                   .master = base_weight(part),
                   .grad = grad_.narrow(0, part.out_begin, part.out),
                   .placement = placement(part)});
  return all;
}

std::vector<Parameter> Linear::adapter_parameters() const {
  return adapter_ ? adapter_->parameters() : std::vector<Parameter>{};
}

int64_t Linear::weight_bytes() const {
  const at::Tensor& held = buffer_.defined() ? buffer_ : weight_;
  int64_t bytes = shares_ && buffer_.defined() ? 0 : static_cast<int64_t>(held.nbytes());
  if (master_.defined() && !held.is_same(master_)) bytes += static_cast<int64_t>(master_.nbytes());
  if (shares_) return bytes + (adapter_ ? adapter_->weight_bytes() : 0);
  for (const Nf4Matrix& part : quantized_)
    bytes += static_cast<int64_t>(part.codes.nbytes() + part.magnitudes.nbytes() + part.scales.nbytes() + sizeof(float));
  return bytes + (adapter_ ? adapter_->weight_bytes() : 0);
}

int64_t Linear::gradient_bytes() const {
  return (owns_grad_ ? static_cast<int64_t>(grad_.nbytes()) : 0) + (adapter_ ? adapter_->gradient_bytes() : 0);
}

}  // namespace collie
