#include "engine/peft/dora_adapter.h"

#include <ATen/ops/add.h>
#include <ATen/ops/div.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/rsqrt.h>
#include <ATen/ops/sqrt.h>
#include <ATen/ops/square.h>
#include <ATen/ops/sum.h>
#include <ATen/ops/zeros.h>

#include <algorithm>

#include "engine/peft/merge_rule.h"
#include "engine/peft/peft_config.h"
#include "engine/peft/tensor_bytes.h"

namespace collie {
namespace {

constexpr int64_t kChunkRows = 256;  // of a base weight that are held in fp32 at a time

const LinearAdapterRegistration kDora("dora", [](const MethodSpec& method, const AdapterSite& site) {
  return std::unique_ptr<LinearAdapter>(std::make_unique<DoraAdapter>(method, site));
});

at::Tensor merge(const MethodSpec& method, const at::Tensor& weight, const ModuleTensors& adapter) {
  const at::Tensor sum = merge_factors(method, weight, adapter);
  const at::Tensor norms = at::linalg_vector_norm(sum, 2, {1});
  return at::mul(sum, at::div(adapter(".lora_magnitude_vector.weight"), norms).unsqueeze(1));
}

void configure(nlohmann::json& config, const TrainedWeights& from) {
  configure_lora(config, from);
  config["use_dora"] = true;
}

// PEFT saves the magnitude without ".weight".
std::string format_name(const std::string& name) {
  constexpr std::string_view weight = ".weight";
  const bool magnitude = name.ends_with(".lora_magnitude_vector.weight");
  return peft_name(magnitude ? name.substr(0, name.size() - weight.size()) : name);
}

const MergeRegistration kMerge("dora", {.weight = merge});
const PeftFormatRegistration kFormat(
    "dora", {.peft_type = "LORA", .configure = configure, .name = format_name, .settled = lora_settled()});

at::Tensor row_dots(const at::Tensor& a, const at::Tensor& b) { return at::sum(at::mul(a, b), {1}); }

}  // namespace

DoraAdapter::DoraAdapter(const MethodSpec& method, const AdapterSite& site)
    : LoraAdapter(method, site), parts_(site.layout.parts.size()) {
  for (size_t i = 0; i < parts_.size(); ++i) {
    const Projection& part = site.layout.parts[i];
    if (!part.adapted) continue;
    const auto vector = [&] { return at::ones({part.out}, site.fp32()); };
    parts_[i] = {vector(), {}, vector(), vector(), vector()};
    if (site.purpose == Purpose::train) parts_[i].grad = at::zeros({part.out}, site.fp32());
  }
}

void DoraAdapter::output(const StepContext& ctx, const at::Tensor& y) const {
  for (size_t i = 0; i < parts_.size(); ++i) {
    const Projection& part = site_.layout.parts[i];
    if (!part.adapted) continue;
    const at::Tensor columns = y.narrow(1, part.out_begin, part.out);
    ctx.kernels.affine_columns({.x = columns, .factors = parts_[i].gain, .shifts = {}, .y = columns});
  }
}

// The product is gone by now (its buffer holds the residual stream, or rotated queries): it is computed again.
at::Tensor DoraAdapter::output_backward(const StepContext& ctx, const SeenWeight& seen, const at::Tensor& x,
                                        const at::Tensor& dy) {
  const at::Tensor scratch = ctx.output_scratch(site_.layout.out);
  for (size_t i = 0; i < parts_.size(); ++i) {
    const Projection& part = site_.layout.parts[i];
    const at::Tensor product = scratch.narrow(1, part.out_begin, part.out),
                     gradient = dy.narrow(1, part.out_begin, part.out);
    if (!part.adapted) {
      ctx.kernels.copy(gradient, product);
      continue;
    }
    ctx.kernels.gemm(x, seen.weight.narrow(0, part.out_begin, part.out).t(), product);
    ctx.kernels.column_sums({.a = gradient, .b = product, .factors = parts_[i].inverse_norm, .sums = parts_[i].grad});
    ctx.kernels.affine_columns({.x = gradient, .factors = parts_[i].gain, .shifts = {}, .y = product});
  }
  return scratch;
}

at::Tensor DoraAdapter::row_squares(const at::Tensor& base, const Projection& part) const {
  const at::Tensor squares = at::empty({part.out}, site_.fp32());
  for (int64_t row = 0; row < part.out; row += kChunkRows) {
    const int64_t rows = std::min(kChunkRows, part.out - row);
    const at::Tensor chunk = base.narrow(0, part.out_begin + row, rows).to(at::kFloat);
    squares.narrow(0, row, rows).copy_(at::sum(at::square(chunk), {1}));
  }
  return squares;
}

at::Tensor DoraAdapter::over_columns(at::Tensor sums) const {
  if (site_.layout.split == Split::columns) site_.tp->all_reduce(sums);
  return sums;
}

void DoraAdapter::init_from_base(Kernels&, const at::Tensor& base) {
  for (size_t i = 0; i < parts_.size(); ++i)
    if (site_.layout.parts[i].adapted)
      parts_[i].magnitude.copy_(at::sqrt(over_columns(row_squares(base, site_.layout.parts[i]))));
}

void DoraAdapter::bind_base(Kernels&, const at::Tensor& base) {
  for (size_t i = 0; i < parts_.size(); ++i)
    if (site_.layout.parts[i].adapted) parts_[i].base_squares.copy_(row_squares(base, site_.layout.parts[i]));
}

// |W + s B A|^2 by rows, without W + s B A: |W|^2 + 2 s B (W A^T) + s^2 B (A A^T) B, by rows.
at::Tensor DoraAdapter::squared_norms(Kernels& kernels, const at::Tensor& weight, size_t index) const {
  const Projection& part = site_.layout.parts[index];
  const at::Tensor a = a_of(index), &b = b_masters_[index];
  const at::Tensor cross = at::empty({part.out, part.rank}, site_.fp32());
  kernels.gemm(weight.narrow(0, part.out_begin, part.out).narrow(1, 0, site_.layout.in),
               a_.narrow(0, part.tail_begin, part.rank).t(), cross);
  const at::Tensor update = at::mm(b, at::mm(a, a.t()));
  const at::Tensor linear = at::add(parts_[index].base_squares, row_dots(b, cross), 2 * scale_);
  return over_columns(at::add(linear, row_dots(b, update), scale_ * scale_));
}

void DoraAdapter::sync(Kernels& kernels, const at::Tensor& weight) {
  LoraAdapter::sync(kernels, weight);
  for (size_t i = 0; i < parts_.size(); ++i) {
    if (!site_.layout.parts[i].adapted) continue;
    parts_[i].inverse_norm.copy_(at::rsqrt(squared_norms(kernels, weight, i)));
    parts_[i].gain.copy_(at::mul(parts_[i].magnitude, parts_[i].inverse_norm));
  }
}

// PEFT's LoRA+ groups put the magnitude with B. It is a scale, like a norm's weight: never decayed.
std::vector<Parameter> DoraAdapter::part_parameters(size_t i) const {
  std::vector<Parameter> all = LoraAdapter::part_parameters(i);
  all.push_back({.name = module(i) + ".lora_magnitude_vector.weight",
                 .master = parts_[i].magnitude,
                 .grad = parts_[i].grad,
                 .decay = Decay::no,
                 .kind = ParameterKind::vector,
                 .lr_scale = lr_ratio_,
                 .placement = site_.along_outputs(site_.layout.parts[i])});
  return all;
}

int64_t DoraAdapter::weight_bytes() const {
  int64_t bytes = LoraAdapter::weight_bytes();
  for (const Part& p : parts_) bytes += bytes_of({p.magnitude, p.base_squares, p.inverse_norm, p.gain});
  return bytes;
}

int64_t DoraAdapter::gradient_bytes() const {
  int64_t bytes = LoraAdapter::gradient_bytes();
  for (const Part& p : parts_) bytes += bytes_of(p.grad);
  return bytes;
}

}  // namespace collie
