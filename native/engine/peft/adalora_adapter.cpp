#include "engine/peft/adalora_adapter.h"

#include <ATen/ops/add.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/sub.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <stdexcept>

#include "engine/peft/lora_init.h"
#include "engine/peft/merge_rule.h"
#include "engine/peft/peft_config.h"
#include "engine/peft/tensor_bytes.h"

namespace collie {
namespace {

constexpr double kDeviation = 0.02;  // of the singular vectors at the start

// PEFT divides alpha by rank + 1e-5.
double scale_of(const MethodSpec& method) {
  return method.number("alpha") / (static_cast<double>(method.integer("init_rank")) + 1e-5);
}

const LinearAdapterRegistration kAdaLora("adalora", [](const MethodSpec& method, const AdapterSite& site) {
  return std::unique_ptr<LinearAdapter>(std::make_unique<AdaLoraAdapter>(method, site));
});

at::Tensor merge(const MethodSpec& method, const at::Tensor& weight, const ModuleTensors& adapter) {
  const at::Tensor update = at::mm(adapter(".lora_B"), at::mul(adapter(".lora_A"), adapter(".lora_E")));
  return at::add(weight, update, scale_of(method));
}

// In PEFT's format only the ranks that are left are stored; the config's rank_pattern says which.
constexpr std::string_view kValues = ".lora_E";

// Which ranks have a value; at least the first, as tensors without any rows are not for every reader. Its value being zero, it
// adds nothing.
std::vector<bool> kept_ranks(const LazyTensor& values) {
  const at::Tensor e = values.value();
  std::vector<bool> kept;
  bool any = false;
  for (int64_t i = 0; i < e.numel(); ++i) {
    kept.push_back(e.const_data_ptr<float>()[i] != 0);
    any |= kept.back();
  }
  if (!any && !kept.empty()) kept[0] = true;
  return kept;
}

at::Tensor indices(const std::vector<bool>& kept) {
  std::vector<int64_t> rows;
  for (size_t i = 0; i < kept.size(); ++i)
    if (kept[i]) rows.push_back(static_cast<int64_t>(i));
  const at::Tensor index = at::empty({static_cast<int64_t>(rows.size())}, at::TensorOptions().dtype(at::kLong));
  std::ranges::copy(rows, index.mutable_data_ptr<int64_t>());
  return index;
}

// The schedule has been run: a total of the steps done, no steps before and after.
void configure(nlohmann::json& config, const TrainedWeights& from) {
  const MethodSpec& method = from.method;
  configure_factors(config, from);
  nlohmann::json pattern = nlohmann::json::object();
  for (const auto& [name, tensor] : from.tensors)
    if (name.ends_with(kValues)) pattern[name] = kept_ranks(tensor);
  config.update({{"r", 8},  // PEFT's default; it does not read it
                 {"init_r", method.integer("init_rank")},
                 {"target_r", method.integer("target_rank")},
                 {"tinit", 0},
                 {"tfinal", 0},
                 {"deltaT", method.integer("interval")},
                 {"beta1", method.number("beta1")},
                 {"beta2", method.number("beta2")},
                 {"orth_reg_weight", method.number("orthogonality")},
                 {"total_step", std::max<int64_t>(from.step, 1)},
                 {"rank_pattern", pattern}});
}

std::optional<LazyTensor> exported(const TrainedWeights& from, const LazyTensor& tensor) {
  const size_t dot = tensor.name.rfind(".lora_");
  if (dot == std::string::npos) return renamed(peft_name(tensor.name), tensor);
  const at::Tensor kept = indices(kept_ranks(from.at(tensor.name.substr(0, dot) + std::string(kValues))));
  const int64_t dim = tensor.name.ends_with(".lora_B") ? 1 : 0;
  std::vector<int64_t> shape = tensor.shape;
  shape[static_cast<size_t>(dim)] = kept.numel();
  return LazyTensor{peft_name(tensor.name), shape,
                    [&tensor, kept, dim] { return at::index_select(tensor.value(), dim, kept); }};
}

const MergeRegistration kMerge("adalora", {.weight = merge});
const PeftFormatRegistration kFormat("adalora", {.peft_type = "ADALORA", .configure = configure, .exported = exported});

// grad += weight d|rows rows^T - I| / d rows, the Frobenius norm; `rows` [rank, n].
void add_penalty_gradient(const at::Tensor& rows, const at::Tensor& grad, double weight) {
  const at::Tensor excess = at::sub(at::mm(rows, rows.t()), at::eye(rows.size(0), rows.options()));
  const double norm = at::linalg_vector_norm(excess).item<double>();
  if (norm > 0) grad.add_(at::mm(excess, rows), 2 * weight / norm);
}

AdaLoraAdapter::Triplets::Importance importance(const at::Tensor& value, const at::Tensor& grad) {
  return {value, grad, at::zeros(value.sizes(), value.options()), at::zeros(value.sizes(), value.options())};
}

}  // namespace

AdaLoraAdapter::AdaLoraAdapter(const MethodSpec& method, const AdapterSite& site) : LoraAdapter(method, site) {
  if (site.tp) throw std::logic_error("AdaLoRA on a linear that ranks share: validation has let it through");
  const int64_t tail = site.layout.tail;
  scale_ = scale_of(method);
  a_plain_ = a_;
  a_ = at::zeros(a_plain_.sizes(), site.stored());
  e_master_ = at::zeros({tail, 1}, site.fp32());
  if (site.purpose == Purpose::train) e_grad_ = at::zeros({tail, 1}, site.fp32());
  for (size_t i = 0; i < b_masters_.size(); ++i) {
    if (!b_masters_[i].defined()) continue;
    Random a = lora::stream(site.seed, module(i) + ".lora_A"), b = lora::stream(site.seed, module(i) + ".lora_B");
    lora::fill_normal(a_of(i), kDeviation, a);
    lora::fill_normal(b_masters_[i], kDeviation, b);
  }
  if (site.purpose == Purpose::train) make_triplets();
}

void AdaLoraAdapter::make_triplets() {
  for (size_t i = 0; i < b_masters_.size(); ++i) {
    if (!b_masters_[i].defined()) continue;
    triplets_.push_back({.module = module(i),
                         .a = importance(a_of(i), a_grad_of(i)),
                         .b = importance(b_masters_[i], b_grads_[i]),
                         .e = importance(e_of(i), e_grad_of(i)),
                         .kept = at::ones({site_.layout.parts[i].rank}, site_.fp32())});
  }
}

at::Tensor AdaLoraAdapter::e_of(size_t part) const {
  const Projection& p = site_.layout.parts[part];
  return e_master_.narrow(0, p.tail_begin, p.rank);
}

at::Tensor AdaLoraAdapter::e_grad_of(size_t part) const {
  const Projection& p = site_.layout.parts[part];
  return e_grad_.defined() ? e_grad_.narrow(0, p.tail_begin, p.rank) : at::Tensor();
}

// u = s dy B is the gradient of x (E A)^T. The tails of x and dx are scratch once they have been used.
void AdaLoraAdapter::input_backward(const StepContext& ctx, const at::Tensor& dy, const at::Tensor& x,
                                    const at::Tensor& dx, InputGradient wanted) {
  Kernels& k = ctx.kernels;
  const at::Tensor u = dx.narrow(1, site_.layout.in, site_.layout.tail),
                   t = x.narrow(1, site_.layout.in, site_.layout.tail);
  accumulate_b(ctx, dy, x);
  const at::Tensor input = adapter_input(ctx, x);
  k.gemm(input, a_plain_.t(), t);
  k.column_sums({.a = u, .b = t, .factors = {}, .sums = e_grad_.view({-1})});
  k.affine_columns({.x = u, .factors = e_master_.view({-1}), .shifts = {}, .y = t});
  k.gemm(t.t(), input, a_grad_, {.beta = 1});
  if (wanted == InputGradient::wanted) add_input_gradient(ctx, u, dx);
}

void AdaLoraAdapter::sync(Kernels& kernels, const at::Tensor& weight) {
  LoraAdapter::sync(kernels, weight);
  if (!a_plain_.is_same(a_master_)) kernels.copy(a_master_, a_plain_);
  kernels.copy(at::mul(a_master_, e_master_), a_);
}

void AdaLoraAdapter::finish_gradients(Kernels&) {
  if (penalty_ == 0) return;
  for (const Triplets& t : triplets_) {
    add_penalty_gradient(t.a.value, t.a.grad, penalty_);
    add_penalty_gradient(t.b.value.t(), t.b.grad.t(), penalty_);
  }
}

std::vector<NamedTensor> AdaLoraAdapter::state() const {
  std::vector<NamedTensor> all;
  for (const Triplets& t : triplets_) {
    const auto add = [&](const std::string& name, const Triplets::Importance& importance) {
      all.push_back({t.module + name + ".importance", importance.mean});
      all.push_back({t.module + name + ".uncertainty", importance.uncertainty});
    };
    add(".lora_A", t.a);
    add(".lora_B", t.b);
    add(".lora_E", t.e);
    all.push_back({t.module + ".lora_E.kept", t.kept});
  }
  return all;
}

std::vector<Parameter> AdaLoraAdapter::part_parameters(size_t i) const {
  return {{.name = module(i) + ".lora_A", .master = a_of(i), .grad = a_grad_of(i)},
          {.name = module(i) + ".lora_B", .master = b_masters_[i], .grad = b_grads_[i]},
          {.name = module(i) + ".lora_E", .master = e_of(i), .grad = e_grad_of(i), .kind = ParameterKind::vector}};
}

int64_t AdaLoraAdapter::weight_bytes() const {
  int64_t bytes = LoraAdapter::weight_bytes() + bytes_of(e_master_);
  if (!a_plain_.is_same(a_master_)) bytes += bytes_of(a_plain_);
  for (const NamedTensor& s : state()) bytes += bytes_of(s.tensor);
  return bytes;
}

int64_t AdaLoraAdapter::gradient_bytes() const { return LoraAdapter::gradient_bytes() + bytes_of(e_grad_); }

}  // namespace collie
