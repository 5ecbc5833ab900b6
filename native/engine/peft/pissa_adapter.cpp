#include "engine/peft/pissa_adapter.h"

#include <ATen/ops/add.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/neg.h>
#include <ATen/ops/sqrt.h>
#include <ATen/ops/zeros.h>

#include <algorithm>

#include "engine/parallel/gathered.h"
#include "engine/peft/lora_init.h"
#include "engine/peft/merge_rule.h"
#include "engine/peft/peft_config.h"
#include "engine/peft/principal_part.h"
#include "engine/peft/tensor_bytes.h"

namespace collie {
namespace {

const LinearAdapterRegistration kPissa("pissa", [](const MethodSpec& method, const AdapterSite& site) {
  return std::unique_ptr<LinearAdapter>(std::make_unique<PissaAdapter>(method, site));
});

constexpr std::string_view kStart = ".start";

at::Tensor merge(const MethodSpec& method, const at::Tensor& weight, const ModuleTensors& adapter) {
  const at::Tensor start = at::mm(adapter(".lora_B.weight.start"), adapter(".lora_A.weight.start"));
  return merge_factors(method, at::add(weight, start, -method.lora_scale()), adapter);
}

// Twice the rank at the same alpha / rank.
void configure(nlohmann::json& config, const TrainedWeights& from) {
  configure_factors(config, from);
  config["r"] = 2 * from.method.integer("rank");
  config["lora_alpha"] = 2 * from.method.number("alpha");
}

bool is_a(const std::string& name) { return name.find(".lora_A.") != std::string::npos; }
bool is_factor(const std::string& name) { return is_a(name) || name.find(".lora_B.") != std::string::npos; }

// s B A - s B0 A0 as one product of twice the rank: [A; A0] and [B, -B0].
std::optional<LazyTensor> exported(const TrainedWeights& from, const LazyTensor& tensor) {
  if (!is_factor(tensor.name)) return renamed(peft_name(tensor.name), tensor);
  if (tensor.name.ends_with(kStart)) return std::nullopt;
  const bool a = is_a(tensor.name);
  const LazyTensor& start = from.at(tensor.name + std::string(kStart));
  std::vector<int64_t> shape = tensor.shape;
  shape[a ? 0 : 1] *= 2;
  return LazyTensor{peft_name(tensor.name), shape, [&tensor, &start, a] {
                      const at::Tensor first = start.value();
                      return at::cat({tensor.value(), a ? first : at::neg(first)}, a ? 0 : 1);
                    }};
}

const MergeRegistration kMerge("pissa", {.weight = merge});
const PeftFormatRegistration kFormat("pissa", {.peft_type = "LORA", .configure = configure, .exported = exported});

}  // namespace

PissaAdapter::PissaAdapter(const MethodSpec& method, const AdapterSite& site)
    : LoraAdapter(method, site), a_start_(at::zeros(a_master_.sizes(), site.fp32())), b_starts_(b_masters_.size()) {
  for (size_t i = 0; i < b_masters_.size(); ++i)
    if (b_masters_[i].defined()) b_starts_[i] = at::zeros(b_masters_[i].sizes(), site.fp32());
}

// The whole weight of a part, fp32, on every rank that shares it: one at a time.
at::Tensor PissaAdapter::whole_weight(const at::Tensor& base, const Projection& part) const {
  const at::Tensor own = base.narrow(0, part.out_begin, part.out).to(at::kFloat);
  if (!site_.tp) return own;
  const Placement placement = site_.layout.split == Split::rows ? site_.along_outputs(part) : site_.along_inputs(1);
  return gathered(own, placement, *site_.tp);
}

// W = U S V^T: A = sqrt(S / s) V^T and B = U sqrt(S / s), of the first `rank` singular values.
void PissaAdapter::init_from_base(Kernels&, const at::Tensor& base) {
  if (site_.purpose == Purpose::serve) return;  // factors and starting factors come from a checkpoint
  for (size_t i = 0; i < b_masters_.size(); ++i) {
    const Projection& part = site_.layout.parts[i];
    if (!part.adapted) continue;
    const at::Tensor weight = whole_weight(base, part);
    // A rank beyond the smaller side of the weight has nothing to hold.
    const int64_t rank = std::min({part.rank, weight.size(0), weight.size(1)});
    const PrincipalPart svd = principal_part(weight, rank, lora::stream(site_.seed, module(i)));
    const at::Tensor root = at::sqrt(at::mul(svd.values, 1 / scale_));
    const at::Tensor a = at::mul(svd.right, root.unsqueeze(1)).contiguous(), b = at::mul(svd.left, root).contiguous();
    if (site_.tp) {  // signs of singular vectors are free: other processors may choose others
      site_.tp->broadcast(a, 0);
      site_.tp->broadcast(b, 0);
    }
    a_of(i).zero_();
    a_of(i).narrow(0, 0, rank).copy_(part_of(a, site_.along_inputs(1).slice));
    b_masters_[i].narrow(1, 0, rank).copy_(part_of(b, site_.along_outputs(part).slice));
    b_starts_[i].copy_(b_masters_[i]);
  }
  a_start_.copy_(a_master_);
}

void PissaAdapter::bind_base(Kernels& kernels, const at::Tensor& base) {
  for (size_t i = 0; i < b_starts_.size(); ++i) {
    const Projection& part = site_.layout.parts[i];
    if (!part.adapted) continue;
    kernels.gemm(b_starts_[i], a_start_.narrow(0, part.tail_begin, part.rank), base.narrow(0, part.out_begin, part.out),
                 {.alpha = -scale_, .beta = 1});
  }
}

std::vector<NamedTensor> PissaAdapter::constants() const {
  std::vector<NamedTensor> all;
  for (size_t i = 0; i < b_starts_.size(); ++i) {
    const Projection& part = site_.layout.parts[i];
    if (!part.adapted) continue;
    all.push_back({module(i) + ".lora_A.weight.start", a_start_.narrow(0, part.tail_begin, part.rank),
                   site_.along_inputs(1).slice});
    all.push_back({module(i) + ".lora_B.weight.start", b_starts_[i], site_.along_outputs(part).slice});
  }
  return all;
}

int64_t PissaAdapter::weight_bytes() const {
  return LoraAdapter::weight_bytes() + bytes_of(a_start_) + bytes_of(b_starts_);
}

}  // namespace collie
