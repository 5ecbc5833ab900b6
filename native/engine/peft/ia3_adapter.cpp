#include "engine/peft/ia3_adapter.h"

#include <ATen/ops/mul.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>

#include <algorithm>

#include "core/base/error.h"
#include "core/recipe/module_pattern.h"
#include "engine/peft/merge_rule.h"
#include "engine/peft/peft_config.h"
#include "engine/peft/tensor_bytes.h"

namespace collie {
namespace {

const LinearAdapterRegistration kIa3("ia3", [](const MethodSpec& method, const AdapterSite& site) {
  return std::unique_ptr<LinearAdapter>(std::make_unique<Ia3Adapter>(method, site));
});

// [1, in] scales inputs, [out, 1] outputs: columns and rows of the weight.
at::Tensor merge(const MethodSpec&, const at::Tensor& weight, const ModuleTensors& adapter) {
  return at::mul(weight, adapter(".ia3_l"));
}

// PEFT wants feed-forward modules to be among the targets word by word; where they are not, both are listed in full.
void configure(nlohmann::json& config, const TrainedWeights& from) {
  configure_targets(config, from);
  const std::vector<std::string> targets = from.method.texts("target_modules"),
                                 forward = from.method.texts("feedforward_modules");
  const bool subset = std::ranges::all_of(
      forward, [&](const std::string& f) { return std::ranges::find(targets, f) != targets.end(); });
  config["feedforward_modules"] = modules_of(from, forward);
  if (!subset || config["feedforward_modules"] != nlohmann::json(forward) ||
      config["target_modules"] != nlohmann::json(targets)) {
    config["target_modules"] = adapted_modules(from, targets);
    config["feedforward_modules"] = adapted_modules(from, forward);
  }
  config["init_ia3_weights"] = true;
}

const MergeRegistration kMerge("ia3", {.weight = merge});
const PeftFormatRegistration kFormat("ia3", {.peft_type = "IA3", .configure = configure});

[[noreturn]] void refuse_shared_input(const std::string& module) {
  throw Error("spec.invalid",
              "method.feedforward_modules: names " + module +
                  ", whose input is also that of other projections, so it cannot be scaled.",
              "Name down_proj or o_proj there; the outputs of other projections can be scaled.", {{"module", module}});
}

}  // namespace

Ia3Adapter::Ia3Adapter(const MethodSpec& method, const AdapterSite& site)
    : site_(site), outputs_(site.layout.parts.size()) {
  for (size_t i = 0; i < outputs_.size(); ++i) {
    const Projection& part = site.layout.parts[i];
    if (!part.adapted) continue;
    const std::string module = site.prefix + part.module;
    const bool feedforward = matches_any(method.texts("feedforward_modules"), module);
    if (feedforward && outputs_.size() > 1) refuse_shared_input(module);
    (feedforward ? input_ : outputs_[i]) = make_scale(feedforward ? site.layout.in : part.out);
  }
}

Ia3Adapter::Scale Ia3Adapter::make_scale(int64_t channels) const {
  Scale scale{at::ones({channels}, site_.fp32()), {}};
  if (site_.purpose == Purpose::train) scale.grad = at::zeros({channels}, site_.fp32());
  return scale;
}

bool Ia3Adapter::scales_output() const {
  return std::ranges::any_of(outputs_, [](const Scale& s) { return s.factors.defined(); });
}

at::Tensor Ia3Adapter::input(const StepContext& ctx, const at::Tensor& x) const {
  if (!input_.factors.defined()) return x;
  const at::Tensor scaled = ctx.input_scratch(x.size(1));
  ctx.kernels.affine_columns({.x = x, .factors = input_.factors, .shifts = {}, .y = scaled});
  return scaled;
}

void Ia3Adapter::output(const StepContext& ctx, const at::Tensor& y) const {
  for (size_t i = 0; i < outputs_.size(); ++i) {
    if (!outputs_[i].factors.defined()) continue;
    const Projection& part = site_.layout.parts[i];
    const at::Tensor columns = y.narrow(1, part.out_begin, part.out);
    ctx.kernels.affine_columns({.x = columns, .factors = outputs_[i].factors, .shifts = {}, .y = columns});
  }
}

// The product before scaling is not kept (keys are rotated in place, a factor may be zero): it is computed again.
at::Tensor Ia3Adapter::output_backward(const StepContext& ctx, const SeenWeight& seen, const at::Tensor& x,
                                       const at::Tensor& dy) {
  if (!scales_output()) return dy;
  const at::Tensor scratch = ctx.output_scratch(site_.layout.out);
  for (size_t i = 0; i < outputs_.size(); ++i) {
    const Projection& part = site_.layout.parts[i];
    const Scale& scale = outputs_[i];
    const at::Tensor product = scratch.narrow(1, part.out_begin, part.out),
                     gradient = dy.narrow(1, part.out_begin, part.out);
    if (!scale.factors.defined()) {
      ctx.kernels.copy(gradient, product);
      continue;
    }
    ctx.kernels.gemm(x, seen.weight.narrow(0, part.out_begin, part.out).t(), product);
    const bool adds = seen.bias.defined() && (site_.layout.split != Split::columns || ctx.tp.rank() == 0);
    if (adds)
      ctx.kernels.affine_columns(
          {.x = product, .factors = {}, .shifts = seen.bias.narrow(0, part.out_begin, part.out), .y = product});
    ctx.kernels.column_sums({.a = gradient, .b = product, .factors = {}, .sums = scale.grad});
    ctx.kernels.affine_columns({.x = gradient, .factors = scale.factors, .shifts = {}, .y = product});
  }
  return scratch;
}

void Ia3Adapter::input_backward(const StepContext& ctx, const at::Tensor&, const at::Tensor& x, const at::Tensor& dx,
                                InputGradient wanted) {
  if (!input_.factors.defined()) return;
  ctx.kernels.column_sums({.a = dx.narrow(1, 0, site_.layout.in), .b = x, .factors = {}, .sums = input_.grad});
  const at::Tensor columns = dx.narrow(1, 0, site_.layout.in);
  if (wanted == InputGradient::wanted)
    ctx.kernels.affine_columns({.x = columns, .factors = input_.factors, .shifts = {}, .y = columns});
}

// Factors start at one: decay would pull them to zero, so they have none.
Parameter Ia3Adapter::parameter(size_t part, const Scale& scale, std::vector<int64_t> shape,
                                const Placement& placement) const {
  return {.name = site_.prefix + site_.layout.parts[part].module + ".ia3_l",
          .master = scale.factors.view(shape),
          .grad = scale.grad.defined() ? scale.grad.view(shape) : at::Tensor(),
          .decay = Decay::no,
          .kind = ParameterKind::vector,
          .placement = placement};
}

std::vector<Parameter> Ia3Adapter::parameters() const {
  std::vector<Parameter> all;
  if (input_.factors.defined()) all.push_back(parameter(0, input_, {1, site_.layout.in}, site_.along_inputs(1)));
  for (size_t i = 0; i < outputs_.size(); ++i) {
    const Projection& part = site_.layout.parts[i];
    if (outputs_[i].factors.defined())
      all.push_back(parameter(i, outputs_[i], {part.out, 1}, site_.along_outputs(part)));
  }
  return all;
}

int64_t Ia3Adapter::weight_bytes() const {
  int64_t bytes = bytes_of(input_.factors);
  for (const Scale& s : outputs_) bytes += bytes_of(s.factors);
  return bytes;
}

int64_t Ia3Adapter::gradient_bytes() const {
  int64_t bytes = bytes_of(input_.grad);
  for (const Scale& s : outputs_) bytes += bytes_of(s.grad);
  return bytes;
}

}  // namespace collie
