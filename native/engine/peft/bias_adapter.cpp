#include "engine/peft/bias_adapter.h"

#include <ATen/ops/zeros.h>

#include "engine/peft/merge_rule.h"
#include "engine/peft/tensor_bytes.h"

namespace collie {
namespace {

const LinearAdapterRegistration kBitFit("bitfit", [](const MethodSpec&, const AdapterSite& site) {
  return std::unique_ptr<LinearAdapter>(std::make_unique<BiasAdapter>(site));
});
const MergeRegistration kMerge("bitfit", {.biases = true});

}  // namespace

BiasAdapter::BiasAdapter(const AdapterSite& site) : site_(site), bias_(at::zeros({site.layout.out}, site.fp32())) {
  if (site.purpose == Purpose::train) grad_ = at::zeros({site.layout.out}, site.fp32());
}

void BiasAdapter::output(const StepContext& ctx, const at::Tensor& y) const {
  if (site_.layout.split == Split::columns && ctx.tp.rank() != 0) return;  // the ranks' outputs are added up: once
  ctx.kernels.affine_columns({.x = y, .factors = {}, .shifts = bias_, .y = y});
}

at::Tensor BiasAdapter::output_backward(const StepContext& ctx, const SeenWeight&, const at::Tensor&,
                                        const at::Tensor& dy) {
  ctx.kernels.column_sums({.a = dy, .b = {}, .factors = {}, .sums = grad_});
  return dy;
}

std::vector<Parameter> BiasAdapter::parameters() const {
  std::vector<Parameter> all;
  for (const Projection& part : site_.layout.parts) {
    // The gradient of a row-parallel linear's output is whole on every rank, and so is that of its bias.
    Placement placement = site_.along_outputs(part);
    if (placement.gradient == GradientSum::group) placement.gradient = GradientSum::none;
    all.push_back({.name = site_.prefix + part.module + ".bias",
                   .master = bias_.narrow(0, part.out_begin, part.out),
                   .grad = grad_.defined() ? grad_.narrow(0, part.out_begin, part.out) : at::Tensor(),
                   .decay = Decay::no,
                   .kind = ParameterKind::vector,
                   .placement = placement});
  }
  return all;
}

int64_t BiasAdapter::weight_bytes() const { return bytes_of(bias_); }
int64_t BiasAdapter::gradient_bytes() const { return bytes_of(grad_); }

}  // namespace collie
