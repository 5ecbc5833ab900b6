#include "engine/model/linear.h"

#include <ATen/ops/set.h>
#include <ATen/ops/zeros.h>

#include "engine/peft/nf4.h"

namespace collie {

Linear::Linear(const LinearOptions& options)
    : layout_(options.site.layout), prefix_(options.site.prefix), purpose_(options.site.purpose) {
  const AdapterSite& site = options.site;
  if (layout_.weight == Trained::yes) {
    const bool fp32 = options.masters == Masters::fp32;
    master_ = at::zeros({layout_.out, layout_.in}, fp32 ? site.fp32() : site.stored());
    owns_grad_ = !options.shared_grad.defined();
    grad_ = owns_grad_ ? at::zeros({layout_.out, layout_.in}, site.fp32()) : options.shared_grad;
  }
  // A trained weight that has the format and the columns to compute with is used as it is.
  const bool master_computes = master_.defined() && master_.scalar_type() == site.storage && layout_.tail == 0;
  shares_ = options.shared != nullptr;
  if (master_computes) {
    weight_ = master_;
  } else if (quantized()) {
    weight_ = at::zeros({layout_.out, layout_.tail}, site.stored());
  } else {
    buffer_ = shares_ ? options.shared->weight : at::zeros({layout_.out, layout_.width()}, site.stored());
  }
  if (quantized()) {
    scratch_ = options.weight_scratch.flatten().narrow(0, 0, layout_.out * layout_.width()).view({layout_.out, layout_.width()});
    if (shares_)
      quantized_ = options.shared->quantized;
    else
      quantized_.resize(layout_.parts.size());
  }
  if (options.method) adapter_ = make_linear_adapter(*options.method, site);
}

at::Tensor Linear::computes() const { return buffer_.defined() ? buffer_.narrow(1, 0, layout_.width()) : weight_; }

void Linear::make_room(int64_t tail) {
  const int64_t width = layout_.in + tail;
  if (!buffer_.defined() || buffer_.size(1) >= width) return;
  const at::Tensor wider = at::zeros({layout_.out, width}, buffer_.options());
  wider.narrow(1, 0, buffer_.size(1)).copy_(buffer_);
  buffer_.set_(wider);  // in place: every decoder that shares it has the wider one, and the old one is gone
}

at::Tensor Linear::weight(Kernels& kernels) const {
  if (!quantized()) return computes();
  for (size_t i = 0; i < layout_.parts.size(); ++i) {
    const Projection& part = layout_.parts[i];
    kernels.dequantize_nf4(quantized_[i], input_columns(scratch_).narrow(0, part.out_begin, part.out));
  }
  if (layout_.tail > 0) kernels.copy(weight_, scratch_.narrow(1, layout_.in, layout_.tail));
  return scratch_;
}

void Linear::forward_tail(const StepContext& ctx, const at::Tensor& x) const {
  if (adapts(ctx)) adapter_->forward_tail(ctx, x.narrow(1, 0, layout_.width()));
}

void Linear::forward(const StepContext& ctx, const at::Tensor& wide_x, const at::Tensor& y) const {
  if (!adapts(ctx)) return ctx.kernels.gemm(wide_x.narrow(1, 0, layout_.in), input_columns(weight(ctx.kernels)).t(), y);
  const at::Tensor x = wide_x.narrow(1, 0, layout_.width());
  adapter_->forward_tail(ctx, x);
  ctx.kernels.gemm(adapter_->input(ctx, x), weight(ctx.kernels).t(), y);
  adapter_->output(ctx, y);
}

void Linear::backward(const StepContext& ctx, const at::Tensor& dy, const at::Tensor& wide_x, const at::Tensor& dx,
                      InputGradient wanted) {
  Kernels& k = ctx.kernels;
  const at::Tensor x = wide_x.narrow(1, 0, layout_.width());
  if (!adapter_) {
    if (grad_.defined()) k.gemm(dy.t(), x, grad_, {.beta = 1});
    if (wanted == InputGradient::wanted) k.gemm(dy, weight(k), dx);
    return;
  }
  const at::Tensor w = weight(k);
  const at::Tensor product = adapter_->output_backward(ctx, w, x, dy);
  if (grad_.defined()) k.gemm(product.t(), adapter_->input(ctx, x).narrow(1, 0, layout_.in), grad_, {.beta = 1});
  if (wanted == InputGradient::wanted || adapter_->needs_input_product())
    k.gemm(product, w, dx);
  else if (layout_.tail > 0)
    k.gemm(product, w.narrow(1, layout_.in, layout_.tail), dx.narrow(1, layout_.in, layout_.tail));
  adapter_->input_backward(ctx, product, x, dx, wanted);
}

at::Tensor Linear::base_weight(const Projection& part) const {
  const at::Tensor& all = quantized() ? scratch_ : master_.defined() ? master_ : computes();
  return input_columns(all).narrow(0, part.out_begin, part.out);
}

void Linear::loaded(const Projection& part) {
  if (!quantized()) return;
  quantized_[static_cast<size_t>(&part - layout_.parts.data())] = quantize_nf4(base_weight(part), scratch_.device());
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
  if (shares_ && buffer_.defined()) whole.narrow(1, layout_.in, layout_.tail).zero_();
  adapter_->sync(kernels, whole);
  if (quantized() && layout_.tail > 0) kernels.copy(whole.narrow(1, layout_.in, layout_.tail), weight_);
}

std::vector<Parameter> Linear::weights() const {
  std::vector<Parameter> all;
  if (!master_.defined()) return all;
  for (const Projection& part : layout_.parts)
    all.push_back({.name = prefix_ + part.module + ".weight",
                   .master = base_weight(part),
                   .grad = grad_.narrow(0, part.out_begin, part.out)});
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
