#include "engine/peft/lora_adapter.h"

#include <ATen/ops/add.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/zeros.h>

#include "engine/peft/lora_init.h"
#include "engine/peft/merge_rule.h"
#include "engine/peft/peft_config.h"
#include "engine/peft/tensor_bytes.h"

namespace collie {
namespace {

const LinearAdapterRegistration kLora("lora", [](const MethodSpec& method, const AdapterSite& site) {
  return std::unique_ptr<LinearAdapter>(std::make_unique<LoraAdapter>(method, site));
});
const MergeRegistration kMerge("lora", {.weight = merge_factors});
const PeftFormatRegistration kFormat("lora",
                                     {.peft_type = "LORA", .configure = configure_lora, .settled = lora_settled()});

}  // namespace

at::Tensor merge_factors(const MethodSpec& method, const at::Tensor& weight, const ModuleTensors& adapter) {
  return at::add(weight, at::mm(adapter(".lora_B.weight"), adapter(".lora_A.weight")), method.lora_scale());
}

LoraAdapter::LoraAdapter(const MethodSpec& method, const AdapterSite& site)
    : site_(site), scale_(method.lora_scale()), lr_ratio_(method.has("lr_ratio") ? method.number("lr_ratio") : 1) {
  const LinearLayout& layout = site.layout;
  a_master_ = at::empty({layout.tail, layout.in}, site.fp32());
  a_ = site.storage == at::kFloat ? a_master_ : at::empty({layout.tail, layout.in}, site.stored());
  if (site.purpose == Purpose::train) a_grad_ = at::zeros({layout.tail, layout.in}, site.fp32());
  b_masters_.resize(layout.parts.size());
  b_grads_.resize(layout.parts.size());
  for (size_t i = 0; i < layout.parts.size(); ++i) {
    const Projection& part = layout.parts[i];
    if (!part.adapted) continue;
    lora::init_a(a_of(i), site.seed, module(i), site.along_inputs(1).slice);
    b_masters_[i] = at::zeros({part.out, part.rank}, site.fp32());
    if (site.purpose == Purpose::train) b_grads_[i] = at::zeros({part.out, part.rank}, site.fp32());
  }
}

at::Tensor LoraAdapter::a_of(size_t part) const {
  const Projection& p = site_.layout.parts[part];
  return a_master_.narrow(0, p.tail_begin, p.rank);
}

at::Tensor LoraAdapter::a_grad_of(size_t part) const {
  const Projection& p = site_.layout.parts[part];
  return a_grad_.defined() ? a_grad_.narrow(0, p.tail_begin, p.rank) : at::Tensor();
}

DropoutMask LoraAdapter::mask(const StepContext& ctx) const {
  DropoutMask mask = ctx.mask(site_.layer, site_.index);
  mask.first_column = site_.layout.in_begin;
  return mask;
}

at::Tensor LoraAdapter::adapter_input(const StepContext& ctx, const at::Tensor& x) const {
  const at::Tensor base = x.narrow(1, 0, site_.layout.in);
  if (ctx.dropout.rate == 0) return base;
  const at::Tensor dropped = ctx.input_scratch(site_.layout.in);
  ctx.kernels.dropout(base, dropped, mask(ctx));
  return dropped;
}

void LoraAdapter::forward_tail(const StepContext& ctx, const at::Tensor& x) const {
  ctx.kernels.gemm(adapter_input(ctx, x), a_.t(), x.narrow(1, site_.layout.in, site_.layout.tail));
}

void LoraAdapter::accumulate_b(const StepContext& ctx, const at::Tensor& dy, const at::Tensor& x) {
  const at::Tensor t = x.narrow(1, site_.layout.in, site_.layout.tail);
  for (size_t i = 0; i < site_.layout.parts.size(); ++i) {
    const Projection& part = site_.layout.parts[i];
    if (!part.adapted) continue;
    ctx.kernels.gemm(dy.narrow(1, part.out_begin, part.out).t(), t.narrow(1, part.tail_begin, part.rank), b_grads_[i],
                     {.alpha = scale_, .beta = 1});
  }
}

void LoraAdapter::add_input_gradient(const StepContext& ctx, const at::Tensor& u, const at::Tensor& dx) const {
  const at::Tensor base = dx.narrow(1, 0, site_.layout.in);
  if (ctx.dropout.rate == 0) return ctx.kernels.gemm(u, a_, base, {.beta = 1});
  const at::Tensor product = ctx.input_scratch(site_.layout.in);
  ctx.kernels.gemm(u, a_, product);
  ctx.kernels.dropout_add(product, base, mask(ctx));
}

void LoraAdapter::input_backward(const StepContext& ctx, const at::Tensor& dy, const at::Tensor& x,
                                 const at::Tensor& dx, InputGradient wanted) {
  const at::Tensor u = dx.narrow(1, site_.layout.in, site_.layout.tail);
  ctx.kernels.gemm(u.t(), adapter_input(ctx, x), a_grad_, {.beta = 1});
  accumulate_b(ctx, dy, x);
  if (wanted == InputGradient::wanted) add_input_gradient(ctx, u, dx);
}

void LoraAdapter::sync(Kernels& kernels, const at::Tensor& weight) {
  if (!a_.is_same(a_master_)) kernels.copy(a_master_, a_);
  for (size_t i = 0; i < site_.layout.parts.size(); ++i) {
    const Projection& part = site_.layout.parts[i];
    if (!part.adapted) continue;
    const at::Tensor tail =
        weight.narrow(0, part.out_begin, part.out).narrow(1, site_.layout.in + part.tail_begin, part.rank);
    kernels.copy(b_masters_[i], tail, scale_);
  }
}

std::vector<Parameter> LoraAdapter::part_parameters(size_t i) const {
  const Placement a = site_.along_inputs(1), b = site_.along_outputs(site_.layout.parts[i]);
  return {{.name = module(i) + ".lora_A.weight", .master = a_of(i), .grad = a_grad_of(i), .placement = a},
          {.name = module(i) + ".lora_B.weight",
           .master = b_masters_[i],
           .grad = b_grads_[i],
           .lr_scale = lr_ratio_,
           .placement = b}};
}

std::vector<Parameter> LoraAdapter::parameters() const {
  std::vector<Parameter> all;
  for (size_t i = 0; i < site_.layout.parts.size(); ++i) {
    if (!site_.layout.parts[i].adapted) continue;
    for (Parameter& parameter : part_parameters(i)) all.push_back(std::move(parameter));
  }
  return all;
}

int64_t LoraAdapter::weight_bytes() const {
  return bytes_of(a_master_) + (a_.is_same(a_master_) ? 0 : bytes_of(a_)) + bytes_of(b_masters_);
}

int64_t LoraAdapter::gradient_bytes() const { return bytes_of(a_grad_) + bytes_of(b_grads_); }

}  // namespace collie
