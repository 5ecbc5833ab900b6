#include "engine/model/mlp_block.h"

namespace collie {
namespace {

LinearOptions numbered(LinearOptions options, int64_t index) {
  options.index = index;
  return options;
}

}  // namespace

MlpBlock::MlpBlock(const ModelConfig& c, const LayerLayout& layout, const LinearOptions& options)
    : norm_(options.prefix + "post_attention_layernorm.weight", c.hidden_size, c.rms_norm_eps, options.mode,
            at::TensorOptions().dtype(options.storage).device(options.device)),
      gate_up_(layout.gate_up, numbered(options, 2)),
      down_(layout.down, numbered(options, 3)) {}

void MlpBlock::activate(const StepContext& ctx, const LayerBuffers& b, const at::Tensor& y) const {
  norm_.forward(ctx, {b.x, y}, b.x2, b.h2, b.rstd2);
  gate_up_.forward(ctx, b.h2, b.gate_up);
  ctx.kernels.swiglu(b.gate_up, b.activated.narrow(1, 0, down_.layout().in));
}

void MlpBlock::forward(const StepContext& ctx, const LayerBuffers& b, const at::Tensor& y) const {
  activate(ctx, b, y);
  down_.forward(ctx, b.activated, y);
}

void MlpBlock::recompute(const StepContext& ctx, const LayerBuffers& b, const at::Tensor& y) const {
  activate(ctx, b, y);
  down_.forward_tail(ctx, b.activated);
}

void MlpBlock::backward(const StepContext& ctx, const SharedBuffers& shared, const LayerBuffers& b, const at::Tensor& dx,
                        InputGradient wanted) {
  const bool below = wanted == InputGradient::wanted || gate_up_.trained();
  const at::Tensor da = shared.input_gradient(ctx.n, down_.layout().width());
  down_.backward(ctx, dx, b.activated, da, below ? InputGradient::wanted : InputGradient::not_wanted);
  if (!below) return;
  ctx.kernels.swiglu_backward(b.gate_up, da.narrow(1, 0, down_.layout().in));
  const at::Tensor dh = shared.input_gradient(ctx.n, gate_up_.layout().width());
  gate_up_.backward(ctx, b.gate_up, b.h2, dh, wanted);
  if (wanted == InputGradient::wanted) norm_.backward(ctx, dh, b.x2, b.rstd2, dx);
}

}  // namespace collie
