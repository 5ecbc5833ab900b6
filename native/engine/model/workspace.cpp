#include "engine/model/workspace.h"

#include <ATen/ops/empty.h>

#include <algorithm>

#include "engine/model/rotary_table.h"

namespace collie {
namespace {

at::ScalarType scalar_type(Element element, Precision precision) {
  if (element == Element::i32) return at::kInt;
  return element == Element::f32 || precision == Precision::fp32 ? at::kFloat : at::kBFloat16;
}

at::Tensor column(const at::Tensor& t) { return t.view({-1}); }

}  // namespace

Workspace::Workspace(const ModelConfig& config, const ModelLayout& model, const std::optional<MethodSpec>& method,
                     const WorkspaceOptions& options)
    : options_(options), first_(std::min(model.first_trained, model.shard.n_layers() - 1)) {
  const KeptLayers kept = kept_layers(model, options.checkpointing);
  const LayerLayout widest = model.widest();
  for (int64_t i = 0; i < kept.whole; ++i) {
    const LayerLayout& layer = kept.whole == 1 ? widest : model.layers[static_cast<size_t>(first_ + i)];
    layers_.push_back(allocate_layer(layer_shapes(config, model, layer, options.capacity)));
  }
  if (kept.inputs > 0) {
    inputs_.push_back(layers_[0].x);
    for (int64_t i = 0; i < kept.inputs; ++i) inputs_.push_back(allocate({options.capacity, config.hidden_size}));
  }
  const SharedShapes s = shared_shapes(config, model, method, options.capacity, options.max_document, options.precision);
  shared_ = {.y = allocate(s.y),
             .final_x = allocate(s.final_x),
             .final_h = allocate(s.final_h),
             .gathered = allocate(s.gathered),
             .final_rstd = column(allocate(s.final_rstd)),
             .losses = column(allocate(s.losses)),
             .logits = allocate(s.logits),
             .statistics = allocate(s.statistics),
             .integers = allocate(s.integers),
             .offsets = column(allocate(s.offsets)),
             .rope_cos = {},
             .rope_sin = {},
             .dx = allocate(s.dx),
             .dqkv = allocate(s.dqkv),
             .dinput = allocate(s.dinput),
             .adapter_input = allocate(s.adapter_input),
             .adapter_output = allocate(s.adapter_output),
             .weight = allocate(s.weight),
             .prompt = allocate(s.prompt)};
  reserve_positions(config, options.max_document);
}

at::Tensor Workspace::allocate(const BufferShape& shape) {
  bytes_ += shape.bytes(options_.precision);
  return at::empty({shape.rows, shape.cols},
                   at::TensorOptions().dtype(scalar_type(shape.element, options_.precision)).device(options_.device));
}

LayerBuffers Workspace::allocate_layer(const LayerShapes& s) {
  return {.x = allocate(s.x),
          .h1 = allocate(s.h1),
          .qkv = allocate(s.qkv),
          .attended = allocate(s.attended),
          .x2 = allocate(s.x2),
          .h2 = allocate(s.h2),
          .gate_up = allocate(s.gate_up),
          .activated = allocate(s.activated),
          .rstd1 = column(allocate(s.rstd1)),
          .rstd2 = column(allocate(s.rstd2)),
          .lse = allocate(s.lse),
          .serial1 = allocate(s.serial1),
          .serial2 = allocate(s.serial2)};
}

LayerBuffers Workspace::layer(int64_t index, int64_t n) const {
  const auto kept = static_cast<size_t>(std::max<int64_t>(index - first_, 0));
  const LayerBuffers& b = layers_[layers_.size() == 1 ? 0 : kept];
  const at::Tensor& x = inputs_.empty() ? b.x : inputs_[kept];
  const auto rows = [n](const at::Tensor& t) { return t.narrow(0, 0, n); };
  const auto some = [n](const at::Tensor& t) { return t.size(0) == 0 ? t : t.narrow(0, 0, n); };
  return {rows(x),          rows(b.h1),    rows(b.qkv),   rows(b.attended),      rows(b.x2),      rows(b.h2),     rows(b.gate_up),
          rows(b.activated), rows(b.rstd1), rows(b.rstd2), b.lse.narrow(1, 0, n), some(b.serial1), some(b.serial2)};
}

void Workspace::reserve_positions(const ModelConfig& config, int64_t positions) {
  if (shared_.rope_cos.defined() && shared_.rope_cos.size(0) >= positions) return;
  if (shared_.rope_cos.defined()) bytes_ -= static_cast<int64_t>(shared_.rope_cos.nbytes() + shared_.rope_sin.nbytes());
  const RotaryTable table = make_rotary_table(config, positions);
  shared_.rope_cos = table.cos.to(options_.device);
  shared_.rope_sin = table.sin.to(options_.device);
  bytes_ += static_cast<int64_t>(shared_.rope_cos.nbytes() + shared_.rope_sin.nbytes());
}

}  // namespace collie
