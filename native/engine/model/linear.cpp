#include "engine/model/linear.h"

#include <ATen/ops/set.h>
#include <ATen/ops/zeros.h>

#include "engine/quantization/nf4.h"

namespace collie {
namespace {

void gather_nf4(const Nf4Matrix& own, Nf4Matrix& whole, Communicator& ranks, int64_t owner) {
  const auto gather = [&](const at::Tensor& from, const at::Tensor& to) {
    if (from.defined()) to.copy_(from);
    ranks.broadcast(to, owner);
  };
  gather(own.codes, whole.codes);
  gather(own.magnitudes, whole.magnitudes);
  gather(own.scales, whole.scales);
  double offset = own.offset;
  ranks.broadcast(std::span(&offset, 1), owner);
  whole.offset = offset;
}

}  // namespace

Linear::Linear(const LinearOptions& options) : site_(options.site), owners_(options.owners) {
  const AdapterSite& site = site_;
  const LinearLayout& l = site.layout;
  owners_.resize(l.parts.size());
  gathers_ = options.gathered != nullptr;
  shares_ = options.shared != nullptr;
  const SharedLinear* others = gathers_ ? options.gathered : options.shared;
  if (quantized()) {
    tail_ = at::zeros({l.out, l.tail}, site.stored());
    scratch_ = options.weight_scratch.flatten()
                   .narrow(0, 0, l.out * l.row_stride())
                   .view({l.out, l.row_stride()})
                   .narrow(1, 0, l.width());
    quantized_ = others ? others->quantized : std::vector<Nf4Matrix>(l.parts.size());
    if (gathers_) lasting_quantized_.resize(l.parts.size());
  } else {
    buffer_ = others ? others->weight : at::zeros({l.out, l.row_stride()}, site.stored());
  }
  make_lasting(options.masters);
  if (l.weight == Trained::yes) {
    owns_grad_ = !options.shared_grad.defined();
    grad_ = owns_grad_ ? at::zeros({l.out, l.in}, site.fp32()) : options.shared_grad;
    if (l.bias) bias_grad_ = owns_grad_ ? at::zeros({l.out}, site.fp32()) : options.shared_bias_grad;
  }
  if (l.bias) bias_ = shares_ ? options.shared->bias : at::zeros({l.out}, site.fp32());
  if (options.method) adapter_ = make_linear_adapter(*options.method, site);
}

void Linear::make_lasting(Masters masters) {
  const LinearLayout& l = layout();
  const bool trained = l.weight == Trained::yes;
  lasting_.resize(l.parts.size());
  const at::TensorOptions format = trained && masters == Masters::fp32 ? site_.fp32() : site_.stored();
  // A trained weight that has the format and the columns to compute with is used as it is, by every rank.
  const bool computes_as_it_is =
      trained && !gathers_ && l.tail == 0 && c10::typeMetaToScalarType(format.dtype()) == site_.storage;
  const bool lasts = trained || (gathers_ && !quantized());
  if (!gathers_ && (!trained || computes_as_it_is)) owners_.assign(l.parts.size(), {});
  for (const Projection& part : l.parts) {
    at::Tensor& lasting = lasting_[index_of(part)];
    if (computes_as_it_is)
      lasting = rows(buffer_, part);
    else if (lasts && ownership(part).here)
      lasting = at::zeros({part.out, l.in}, format);
  }
}

at::Tensor Linear::computes() const { return buffer_.narrow(1, 0, layout().width()); }

bool Linear::make_room(int64_t row_stride) {
  if (!buffer_.defined() || buffer_.size(1) >= row_stride) return false;
  const at::Tensor wider = at::zeros({layout().out, row_stride}, buffer_.options());
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
  if (layout().tail > 0) kernels.copy(tail_, scratch_.narrow(1, layout().in, layout().tail));
  return scratch_;
}

void Linear::forward_tail(const StepContext& ctx, const at::Tensor& x) const {
  if (adapts(ctx)) adapter_->forward_tail(ctx, ctx.rows.tokens(x).narrow(1, 0, layout().width()));
}

void Linear::add_bias(const StepContext& ctx, const at::Tensor& y) const {
  if (!bias_.defined()) return;
  if (layout().split == Split::columns && ctx.tp.rank() != 0) return;  // the ranks' outputs are added up: once
  ctx.kernels.affine_columns({.x = y, .factors = {}, .shifts = bias_, .y = y});
}

void Linear::multiply(const StepContext& ctx, const at::Tensor& wide_x, const at::Tensor& y) const {
  if (!adapts(ctx)) {
    ctx.kernels.gemm(wide_x.narrow(1, 0, layout().in), input_columns(weight(ctx.kernels)).t(), y);
    return add_bias(ctx, y);
  }
  const at::Tensor x = wide_x.narrow(1, 0, layout().width());
  adapter_->forward_tail(ctx, x);
  ctx.kernels.gemm(adapter_->input(ctx, x), weight(ctx.kernels).t(), y);
  if (adapter_->output_sees_bias()) add_bias(ctx, y);
  adapter_->output(ctx, y);
  if (!adapter_->output_sees_bias()) add_bias(ctx, y);
}

void Linear::differentiate_bias(const StepContext& ctx, const at::Tensor& dy) {
  if (bias_grad_.defined()) ctx.kernels.column_sums({.a = dy, .b = {}, .factors = {}, .sums = bias_grad_});
}

// The collective of the forward pass and that of the backward pass: where inputs are split, outputs are summed; where outputs are
// split, gradients of the input.
void Linear::forward(const StepContext& ctx, const at::Tensor& wide_x, const at::Tensor& y) const {
  multiply(ctx, ctx.rows.tokens(wide_x), ctx.rows.tokens(y));
  if (layout().split == Split::columns) ctx.rows.sum(y);
}

void Linear::backward(const StepContext& ctx, const at::Tensor& dy, const at::Tensor& wide_x, const at::Tensor& dx,
                      InputGradient wanted) {
  differentiate(ctx, dy, ctx.rows.tokens(wide_x), ctx.rows.tokens(dx).narrow(1, 0, layout().width()), wanted);
  if (layout().split == Split::rows && wanted == InputGradient::wanted) ctx.rows.sum(dx.narrow(1, 0, layout().in));
}

void Linear::differentiate(const StepContext& ctx, const at::Tensor& dy, const at::Tensor& wide_x, const at::Tensor& dx,
                           InputGradient wanted) {
  Kernels& k = ctx.kernels;
  const at::Tensor x = wide_x.narrow(1, 0, layout().width());
  if (!adapter_) {
    differentiate_bias(ctx, dy);
    if (grad_.defined()) k.gemm(dy.t(), x, grad_, {.beta = 1});
    if (wanted == InputGradient::wanted) k.gemm(dy, weight(k), dx);
    return;
  }
  const at::Tensor w = weight(k);
  const at::Tensor product =
      adapter_->output_backward(ctx, {w, adapter_->output_sees_bias() ? bias_ : at::Tensor()}, x, dy);
  differentiate_bias(ctx, adapter_->output_sees_bias() ? product : dy);
  if (grad_.defined()) k.gemm(product.t(), adapter_->input(ctx, x).narrow(1, 0, layout().in), grad_, {.beta = 1});
  if (wanted == InputGradient::wanted || adapter_->needs_input_product())
    k.gemm(product, w, dx);
  else if (layout().tail > 0)
    k.gemm(product, w.narrow(1, layout().in, layout().tail), dx.narrow(1, layout().in, layout().tail));
  adapter_->input_backward(ctx, product, x, dx, wanted);
}

at::Tensor Linear::base_weight(const Projection& part) const {
  const size_t i = index_of(part);
  if (lasting_[i].defined()) return lasting_[i];
  if (gathers_ && !ownership(part).here) return {};
  return rows(input_columns(quantized() ? scratch_ : computes()), part);
}

// The gradient of a sum over ranks is whole on every rank, and so is that of a bias that one of them adds.
Placement Linear::bias_placement(const Projection& part) const {
  Placement placement = site_.along_outputs(part);
  if (placement.gradient == GradientSum::group) placement.gradient = GradientSum::none;
  return placement;
}

Placement Linear::placement(const Projection& part) const {
  return layout().split == Split::columns ? site_.along_inputs(1) : site_.along_outputs(part, 0);
}

void Linear::loaded(const Projection& part) {
  if (quantized()) held_quantized()[index_of(part)] = quantize_nf4(base_weight(part), scratch_.device());
}

void Linear::load_part(const Projection& part, const at::Tensor& whole) {
  held_quantized()[index_of(part)] =
      quantize_nf4_part(whole, placement(part).slice, scratch_.scalar_type(), scratch_.device());
}

void Linear::init_from_base(Kernels& kernels) {
  if (adapter_) adapter_->init_from_base(kernels, input_columns(weight(kernels)));
}

void Linear::bind_base(Kernels& kernels) {
  if (!adapter_) return;
  adapter_->bind_base(kernels, input_columns(weight(kernels)));
  keep_base();
}

void Linear::keep_base() {
  if (!gathers_ || quantized() || layout().weight == Trained::yes) return;
  for (const Projection& part : layout().parts)
    if (at::Tensor& lasting = lasting_[index_of(part)]; lasting.defined())
      lasting.copy_(rows(input_columns(buffer_), part));
}

void Linear::gather(Communicator& ranks) {
  for (const Projection& part : layout().parts) {
    const size_t i = index_of(part);
    const int64_t owner = owners_[i].owner.value();
    if (quantized()) {
      gather_nf4(lasting_quantized_[i], quantized_[i], ranks, owner);
      continue;
    }
    const at::Tensor whole = rows(input_columns(buffer_), part);
    if (lasting_[i].defined()) whole.copy_(lasting_[i]);
    ranks.broadcast(whole, owner);
  }
}

void Linear::gathered(Kernels& kernels) { sync_adapter(kernels); }

void Linear::sync(Kernels& kernels) {
  if (gathers_) return;  // gathered() does, each time
  for (const Projection& part : layout().parts)
    if (const at::Tensor& master = lasting_[index_of(part)]; master.defined() && !master.is_alias_of(buffer_))
      kernels.copy(master, rows(input_columns(buffer_), part));
  sync_adapter(kernels);
}

void Linear::sync_adapter(Kernels& kernels) {
  if (!adapter_) return;
  const at::Tensor whole = weight(kernels);
  // Adapters leave zeros where they found them: between the parts of a fused weight. Another's tail may be there.
  if ((shares_ || gathers_) && buffer_.defined()) whole.narrow(1, layout().in, layout().tail).zero_();
  adapter_->sync(kernels, whole);
  if (quantized() && layout().tail > 0) kernels.copy(whole.narrow(1, layout().in, layout().tail), tail_);
}

std::vector<Parameter> Linear::weights() const {
  std::vector<Parameter> all;
  if (!grad_.defined()) return all;
  for (const Projection& part : layout().parts)
    all.push_back({.name = site_.prefix + part.module + ".weight",
                   .master = lasting_[index_of(part)],
                   .grad = rows(grad_, part),
                   .placement = placement(part),
                   .ownership = ownership(part),
                   .computes = ownership(part).owner && !gathers_ ? rows(input_columns(buffer_), part) : at::Tensor()});
  if (!bias_grad_.defined()) return all;
  for (const Projection& part : layout().parts)
    all.push_back({.name = site_.prefix + part.module + ".bias",
                   .master = bias(part),
                   .grad = bias_grad_.narrow(0, part.out_begin, part.out),
                   .decay = Decay::no,
                   .kind = ParameterKind::vector,
                   .placement = bias_placement(part)});
  return all;
}

std::vector<Parameter> Linear::adapter_parameters() const {
  return adapter_ ? adapter_->parameters() : std::vector<Parameter>{};
}

int64_t Linear::weight_bytes() const {
  int64_t bytes = adapter_ ? adapter_->weight_bytes() : 0;
  const bool own = !shares_ && !gathers_;
  if (buffer_.defined() && own) bytes += static_cast<int64_t>(buffer_.nbytes());
  if (tail_.defined()) bytes += static_cast<int64_t>(tail_.nbytes());
  if (bias_.defined() && !shares_) bytes += static_cast<int64_t>(bias_.nbytes());
  for (const at::Tensor& lasting : lasting_)
    if (lasting.defined() && !lasting.is_alias_of(buffer_)) bytes += static_cast<int64_t>(lasting.nbytes());
  for (const Nf4Matrix& part : own ? quantized_ : lasting_quantized_) bytes += bytes_of(part);
  return bytes;
}

int64_t Linear::gradient_bytes() const {
  const size_t own = owns_grad_ ? grad_.nbytes() + (bias_grad_.defined() ? bias_grad_.nbytes() : 0) : 0;
  return static_cast<int64_t>(own) + (adapter_ ? adapter_->gradient_bytes() : 0);
}

}  // namespace collie
