#include "engine/model/linear.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>

#include "engine/peft/lora.h"

namespace collie {
namespace {

int64_t bytes_of(const at::Tensor& t) { return t.defined() ? static_cast<int64_t>(t.nbytes()) : 0; }

}  // namespace

Linear::Linear(const LinearLayout& layout, const LinearOptions& options) : layout_(layout), options_(options) {
  const at::TensorOptions storage = at::TensorOptions().dtype(options.storage).device(options.device);
  const at::TensorOptions fp32 = storage.dtype(at::kFloat);
  if (options.mode == TrainMode::full) {
    master_ = at::zeros({layout.out, layout.in}, fp32);
    grad_ = at::zeros({layout.out, layout.in}, fp32);
  }
  const bool own_weight = options.mode != TrainMode::full || options.storage != at::kFloat;
  weight_ = own_weight ? at::zeros({layout.out, layout.width()}, storage) : master_;
  b_masters_.resize(layout.parts.size());
  b_grads_.resize(layout.parts.size());
  if (layout.tail == 0) return;
  a_master_ = at::empty({layout.tail, layout.in}, fp32);
  a_ = options.storage == at::kFloat ? a_master_ : at::empty({layout.tail, layout.in}, storage);
  if (options.mode == TrainMode::lora) a_grad_ = at::zeros({layout.tail, layout.in}, fp32);
  for (size_t i = 0; i < layout.parts.size(); ++i) {
    const Projection& part = layout.parts[i];
    if (part.rank == 0) continue;
    lora::init_a(a_master_.narrow(0, part.tail_begin, part.rank), options.seed, options.prefix + part.module);
    b_masters_[i] = at::zeros({part.out, part.rank}, fp32);
    if (options.mode == TrainMode::lora) b_grads_[i] = at::zeros({part.out, part.rank}, fp32);
  }
}

bool Linear::trained() const {
  return options_.mode == TrainMode::full || (options_.mode == TrainMode::lora && layout_.tail > 0);
}

at::Tensor Linear::adapter_input(const StepContext& ctx, const at::Tensor& x) const {
  const at::Tensor base = x.narrow(1, 0, layout_.in);
  if (ctx.dropout.rate == 0) return base;
  const at::Tensor dropped = ctx.dropped.flatten().narrow(0, 0, ctx.n * layout_.in).view({ctx.n, layout_.in});
  ctx.kernels.dropout(base, dropped, ctx.mask(options_.layer, options_.index));
  return dropped;
}

void Linear::forward_tail(const StepContext& ctx, const at::Tensor& x) const {
  if (layout_.tail == 0 || ctx.adapter == AdapterUse::off) return;
  ctx.kernels.gemm(adapter_input(ctx, x), a_.t(), x.narrow(1, layout_.in, layout_.tail));
}

void Linear::forward(const StepContext& ctx, const at::Tensor& x, const at::Tensor& y) const {
  if (layout_.tail == 0 || ctx.adapter == AdapterUse::off) {
    ctx.kernels.gemm(x.narrow(1, 0, layout_.in), weight_.narrow(1, 0, layout_.in).t(), y);
    return;
  }
  forward_tail(ctx, x);
  ctx.kernels.gemm(x, weight_.t(), y);
}

void Linear::backward(const StepContext& ctx, const at::Tensor& dy, const at::Tensor& x, const at::Tensor& dx,
                      InputGradient wanted) {
  Kernels& k = ctx.kernels;
  if (options_.mode == TrainMode::full) k.gemm(dy.t(), x, grad_, {.beta = 1});
  if (layout_.tail == 0) {
    if (wanted == InputGradient::wanted) k.gemm(dy, weight_, dx);
    return;
  }
  const at::Tensor u = dx.narrow(1, layout_.in, layout_.tail), base = dx.narrow(1, 0, layout_.in);
  if (wanted == InputGradient::wanted)
    k.gemm(dy, weight_, dx);
  else
    k.gemm(dy, weight_.narrow(1, layout_.in, layout_.tail), u);

  k.gemm(u.t(), adapter_input(ctx, x), a_grad_, {.beta = 1});
  const at::Tensor t = x.narrow(1, layout_.in, layout_.tail);
  for (size_t i = 0; i < layout_.parts.size(); ++i) {
    const Projection& part = layout_.parts[i];
    if (part.rank == 0) continue;
    k.gemm(dy.narrow(1, part.out_begin, part.out).t(), t.narrow(1, part.tail_begin, part.rank), b_grads_[i],
           {.alpha = options_.lora_scale, .beta = 1});
  }
  if (wanted == InputGradient::not_wanted) return;
  if (ctx.dropout.rate == 0) {
    k.gemm(u, a_, base, {.beta = 1});
  } else {
    const at::Tensor product = ctx.dropped.flatten().narrow(0, 0, ctx.n * layout_.in).view({ctx.n, layout_.in});
    k.gemm(u, a_, product);
    k.dropout_add(product, base, ctx.mask(options_.layer, options_.index));
  }
}

at::Tensor Linear::base_weight(const Projection& part) const {
  const at::Tensor& all = master_.defined() ? master_ : weight_;
  return all.narrow(0, part.out_begin, part.out).narrow(1, 0, layout_.in);
}

void Linear::sync(Kernels& kernels) {
  if (master_.defined() && !weight_.is_same(master_)) kernels.copy(master_, weight_);
  if (layout_.tail == 0) return;
  if (!a_.is_same(a_master_)) kernels.copy(a_master_, a_);
  for (size_t i = 0; i < layout_.parts.size(); ++i) {
    const Projection& part = layout_.parts[i];
    if (part.rank == 0) continue;
    kernels.copy(b_masters_[i], weight_.narrow(0, part.out_begin, part.out).narrow(1, layout_.in + part.tail_begin, part.rank),
                 options_.lora_scale);
  }
}

std::vector<Parameter> Linear::parameters() const {
  std::vector<Parameter> all;
  for (size_t i = 0; i < layout_.parts.size(); ++i) {
    const Projection& part = layout_.parts[i];
    const std::string name = options_.prefix + part.module;
    if (options_.mode == TrainMode::full)
      all.push_back({name + ".weight", base_weight(part), grad_.narrow(0, part.out_begin, part.out), Decay::yes});
    if (part.rank == 0) continue;
    const at::Tensor grad = a_grad_.defined() ? a_grad_.narrow(0, part.tail_begin, part.rank) : at::Tensor();
    all.push_back({lora::name_of_a(name), a_master_.narrow(0, part.tail_begin, part.rank), grad, Decay::yes});
    all.push_back({lora::name_of_b(name), b_masters_[i], b_grads_[i], Decay::yes});
  }
  return all;
}

int64_t Linear::weight_bytes() const {
  int64_t bytes = bytes_of(weight_) + bytes_of(a_master_);
  if (master_.defined() && !weight_.is_same(master_)) bytes += bytes_of(master_);
  if (a_.defined() && !a_.is_same(a_master_)) bytes += bytes_of(a_);
  for (const at::Tensor& b : b_masters_) bytes += bytes_of(b);
  return bytes;
}

int64_t Linear::gradient_bytes() const {
  int64_t bytes = bytes_of(grad_) + bytes_of(a_grad_);
  for (const at::Tensor& b : b_grads_) bytes += bytes_of(b);
  return bytes;
}

}  // namespace collie
