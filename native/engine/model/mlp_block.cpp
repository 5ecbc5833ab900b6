#include "engine/model/mlp_block.h"

#include <ATen/ops/add.h>

namespace collie {

MlpBlock::MlpBlock(const LayerOptions& o, MlpBlock* first)
    : activation_(o.config.traits.activation),
      gated_(o.config.traits.gated),
      parallel_(o.config.traits.parallel),
      norm_(o.norm(o.layout().mlp_norm, first ? &first->norm_ : nullptr)),
      gate_up_(o.linear(o.layout().gate_up, 2, first ? &first->gate_up_ : nullptr)),
      down_(o.linear(o.layout().down, 3, first ? &first->down_ : nullptr)),
      output_(o.norm(o.layout().mlp_out_norm, first ? &first->output_.norm() : nullptr), o.config),
      serial_(o.serial("mlp_adapter")),
      trains_serial_(serial_ && o.model.purpose == Purpose::train) {}

std::vector<BaseWeight*> MlpBlock::weights() {
  std::vector<BaseWeight*> all;
  if (norm_) norm_->append_weights(all);
  if (output_.norm()) output_.norm()->append_weights(all);
  return all;
}

void MlpBlock::project(const StepContext& ctx, const std::optional<Norm>& norm, const LayerBuffers& b,
                       const at::Tensor& y) const {
  if (parallel_) {
    at::Tensor sum = b.x2;
    at::add_out(sum, b.x, ctx.rows.own(y));
    take_input(ctx, norm, {}, b.x, b.h2, {b.rstd2, b.mean2});
  } else {
    take_input(ctx, norm, {b.x, ctx.rows.own(y)}, b.x2, b.h2, {b.rstd2, b.mean2});
  }
  gate_up_.forward(ctx, b.h2, b.gate_up);
}

void MlpBlock::activate(const StepContext& ctx, const LayerBuffers& b) const {
  const at::Tensor activated = b.activated.narrow(1, 0, down_.layout().in);
  if (gated_)
    ctx.kernels.swiglu(b.gate_up, activated, activation_);
  else
    ctx.kernels.activate(b.gate_up, activated, activation_);
}

void MlpBlock::forward(const StepContext& ctx, const std::optional<Norm>& norm, const LayerBuffers& b,
                       const at::Tensor& y) const {
  project(ctx, norm, b, y);
  activate(ctx, b);
  down_.forward(ctx, b.activated, y);
  if (serial_ && ctx.adapter == AdapterUse::on) serial_->forward(ctx, ctx.rows.own(y), b.serial2);
  output_.forward(ctx, y, b.mlp_out, {b.rstd_out2, b.mean_out2});
}

void MlpBlock::recompute(ActivationCheckpointing level, const StepContext& ctx, const std::optional<Norm>& norm,
                         const LayerBuffers& b, const at::Tensor& y) const {
  const NormStatistics kept{b.rstd2, b.mean2};
  if (level == ActivationCheckpointing::full) {
    if (serial_ || output_.normed()) return forward(ctx, norm, b, y);  // what they keep follows from the output
    project(ctx, norm, b, y);
  } else if (remakes(level, Remade::mlp)) {
    take_input(ctx, norm, {}, input(b), b.h2, kept);
    gate_up_.forward(ctx, b.h2, b.gate_up);
  } else {
    remake_input(ctx, norm, gate_up_, input(b), b.h2, kept);
  }
  if (!down_.trained()) return;
  activate(ctx, b);
  down_.forward_tail(ctx, b.activated);
}

void MlpBlock::backward(const StepContext& ctx, const SharedBuffers& shared, std::optional<Norm>& norm,
                        const LayerBuffers& b, const at::Tensor& dx, InputGradient wanted) {
  const bool normed = wanted == InputGradient::wanted || (norm && norm->trained());
  const bool below = normed || gate_up_.trained();
  const at::Tensor da = shared.input_gradient(ctx.n, down_.layout().row_stride());
  const at::Tensor buffer = ctx.rows.padded(shared.y),
                   dout = output_.backward(ctx, dx, buffer, b.mlp_out, {b.rstd_out2, b.mean_out2});
  const at::Tensor dy = ctx.rows.gathered(serial_ ? serial_->backward(ctx, dout, b.serial2) : dout, buffer);
  down_.backward(ctx, dy, b.activated, da, below ? InputGradient::wanted : InputGradient::not_wanted);
  if (!below) return;
  const at::Tensor dactivated = da.narrow(1, 0, down_.layout().in);
  if (gated_)
    ctx.kernels.swiglu_backward(b.gate_up, dactivated, activation_);
  else
    ctx.kernels.activate_backward(b.gate_up, dactivated, activation_);
  const at::Tensor dh = shared.input_gradient(ctx.rows.share().padded, gate_up_.layout().row_stride());
  gather_input_again(ctx, norm, gate_up_, input(b), b.h2, {b.rstd2, b.mean2});
  gate_up_.backward(ctx, b.gate_up, b.h2, dh, normed ? InputGradient::wanted : InputGradient::not_wanted);
  if (normed) give_input_gradient(ctx, norm, dh, input(b), {b.rstd2, b.mean2}, dx);
}

}  // namespace collie
