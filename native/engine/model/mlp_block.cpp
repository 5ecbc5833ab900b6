#include "engine/model/mlp_block.h"

#include "engine/model/normed_input.h"

namespace collie {

MlpBlock::MlpBlock(const LayerOptions& o, MlpBlock* first)
    : norm_(o.norm("post_attention_layernorm", o.layout().mlp_norm, first ? &first->norm_.weight() : nullptr),
            o.config.hidden_size, o.config.rms_norm_eps),
      gate_up_(o.linear(o.layout().gate_up, 2, first ? &first->gate_up_ : nullptr)),
      down_(o.linear(o.layout().down, 3, first ? &first->down_ : nullptr)),
      serial_(o.serial("mlp_adapter")),
      trains_serial_(serial_ && o.model.purpose == Purpose::train) {}

void MlpBlock::activate(const StepContext& ctx, const LayerBuffers& b, const at::Tensor& y) const {
  norm_tokens(ctx, norm_, {b.x, ctx.rows.own(y)}, b.x2, b.h2, b.rstd2);
  gate_up_.forward(ctx, b.h2, b.gate_up);
  ctx.kernels.swiglu(b.gate_up, b.activated.narrow(1, 0, down_.layout().in));
}

void MlpBlock::forward(const StepContext& ctx, const LayerBuffers& b, const at::Tensor& y) const {
  activate(ctx, b, y);
  down_.forward(ctx, b.activated, y);
  if (serial_ && ctx.adapter == AdapterUse::on) serial_->forward(ctx, ctx.rows.own(y), b.serial2);
}

void MlpBlock::recompute(const StepContext& ctx, const LayerBuffers& b, const at::Tensor& y) const {
  if (serial_) return forward(ctx, b, y);  // its inner values follow from the output
  activate(ctx, b, y);
  down_.forward_tail(ctx, b.activated);
}

void MlpBlock::backward(const StepContext& ctx, const SharedBuffers& shared, const LayerBuffers& b, const at::Tensor& dx,
                        InputGradient wanted) {
  const bool normed = wanted == InputGradient::wanted || norm_.trained();
  const bool below = normed || gate_up_.trained();
  const at::Tensor da = shared.input_gradient(ctx.n, down_.layout().row_stride());
  const at::Tensor dy = ctx.rows.gathered(serial_ ? serial_->backward(ctx, dx, b.serial2) : dx, ctx.rows.padded(shared.y));
  down_.backward(ctx, dy, b.activated, da, below ? InputGradient::wanted : InputGradient::not_wanted);
  if (!below) return;
  ctx.kernels.swiglu_backward(b.gate_up, da.narrow(1, 0, down_.layout().in));
  const at::Tensor dh = shared.input_gradient(ctx.rows.share().padded, gate_up_.layout().row_stride());
  norm_tokens_again(ctx, norm_, gate_up_, b.x2, b.h2, b.rstd2);
  gate_up_.backward(ctx, b.gate_up, b.h2, dh, normed ? InputGradient::wanted : InputGradient::not_wanted);
  if (normed) norm_.backward(ctx, ctx.rows.own(dh), b.x2, b.rstd2, dx);
}

}  // namespace collie
