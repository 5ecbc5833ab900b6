#include "engine/model/mlp_block.h"

namespace collie {

MlpBlock::MlpBlock(const LayerOptions& o, MlpBlock* first)
    : activation_(o.config.traits.activation),
      norm_(o.norm(o.layout().mlp_norm, first ? &first->norm_ : nullptr)),
      gate_up_(o.linear(o.layout().gate_up, 2, first ? &first->gate_up_ : nullptr)),
      down_(o.linear(o.layout().down, 3, first ? &first->down_ : nullptr)),
      output_(o.norm(o.layout().mlp_out_norm, first ? &first->output_.norm() : nullptr), o.config),
      serial_(o.serial("mlp_adapter")),
      trains_serial_(serial_ && o.model.purpose == Purpose::train) {}

std::vector<BaseWeight*> MlpBlock::weights() {
  std::vector<BaseWeight*> all;
  if (norm_) all.push_back(&norm_->weight());
  if (output_.norm()) all.push_back(&output_.norm()->weight());
  return all;
}

void MlpBlock::activate(const StepContext& ctx, const LayerBuffers& b, const at::Tensor& y) const {
  take_input(ctx, norm_, {b.x, ctx.rows.own(y)}, b.x2, b.h2, b.rstd2);
  gate_up_.forward(ctx, b.h2, b.gate_up);
  ctx.kernels.swiglu(b.gate_up, b.activated.narrow(1, 0, down_.layout().in), activation_);
}

void MlpBlock::forward(const StepContext& ctx, const LayerBuffers& b, const at::Tensor& y) const {
  activate(ctx, b, y);
  down_.forward(ctx, b.activated, y);
  if (serial_ && ctx.adapter == AdapterUse::on) serial_->forward(ctx, ctx.rows.own(y), b.serial2);
  output_.forward(ctx, y, b.mlp_out, b.rstd_out2);
}

void MlpBlock::recompute(const StepContext& ctx, const LayerBuffers& b, const at::Tensor& y) const {
  if (serial_ || output_.normed()) return forward(ctx, b, y);  // what they keep follows from the output
  activate(ctx, b, y);
  down_.forward_tail(ctx, b.activated);
}

void MlpBlock::backward(const StepContext& ctx, const SharedBuffers& shared, const LayerBuffers& b, const at::Tensor& dx,
                        InputGradient wanted) {
  const bool normed = wanted == InputGradient::wanted || trained_norm();
  const bool below = normed || gate_up_.trained();
  const at::Tensor da = shared.input_gradient(ctx.n, down_.layout().row_stride());
  const at::Tensor buffer = ctx.rows.padded(shared.y), dout = output_.backward(ctx, dx, buffer, b.mlp_out, b.rstd_out2);
  const at::Tensor dy = ctx.rows.gathered(serial_ ? serial_->backward(ctx, dout, b.serial2) : dout, buffer);
  down_.backward(ctx, dy, b.activated, da, below ? InputGradient::wanted : InputGradient::not_wanted);
  if (!below) return;
  ctx.kernels.swiglu_backward(b.gate_up, da.narrow(1, 0, down_.layout().in), activation_);
  const at::Tensor dh = shared.input_gradient(ctx.rows.share().padded, gate_up_.layout().row_stride());
  take_input_again(ctx, norm_, gate_up_, b.x2, b.h2, b.rstd2);
  gate_up_.backward(ctx, b.gate_up, b.h2, dh, normed ? InputGradient::wanted : InputGradient::not_wanted);
  if (normed) give_input_gradient(ctx, norm_, dh, b.x2, b.rstd2, dx);
}

}  // namespace collie
