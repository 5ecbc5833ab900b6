#include "engine/model/workspace.h"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <stdexcept>

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
    : options_(options), shard_(model.shard), first_(model.first_trained) {
  for (const Range& chunk : model.shard.chunks) {
    const int64_t begin = chunks_.empty() ? 0 : chunks_.back().end();
    chunks_.push_back({begin, chunk.size});
  }
  const KeptLayers kept = kept_layers(model, options.checkpointing);
  const bool inputs = kept.inputs(options.slots) > 0;
  for (int64_t i = 0; i < kept.sets(options.slots); ++i)
    sets_.push_back(allocate_layer(layer_shapes(config, model, kept_layout(model, kept, i % kept.per_slot), options.capacity)));
  if (inputs) inputs_.push_back(sets_[0].x);
  const BufferShape input{token_share(shard_, options.capacity).own, config.hidden_size};
  for (int64_t i = 0; i < kept.inputs(options.slots); ++i) inputs_.push_back(allocate(input));
  per_slot_ = kept.per_slot;
  const SharedShapes s = shared_shapes(config, model, method, options.capacity, options.max_document, options.slots,
                                       {options.precision, options.device.is_cuda() ? DeviceType::cuda : DeviceType::cpu});
  shared_ = {.y = allocate(s.y),
             .h = allocate(s.h),
             .outputs = allocate(s.outputs),
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
          .x2 = allocate(s.x2),
          .h1 = allocate(s.h1),
          .qkv = allocate(s.qkv),
          .attended = allocate(s.attended),
          .h2 = allocate(s.h2),
          .gate_up = allocate(s.gate_up),
          .activated = allocate(s.activated),
          .rstd1 = column(allocate(s.rstd1)),
          .rstd2 = column(allocate(s.rstd2)),
          .lse = allocate(s.lse),
          .serial1 = allocate(s.serial1),
          .serial2 = allocate(s.serial2)};
}

at::Tensor Workspace::output(int64_t n, int64_t slot) const {
  return shared_.outputs.narrow(0, slot * token_share(shard_, options_.capacity).own, token_share(shard_, n).own);
}

// Where a layer's buffers stand among those of its slot: layers that train nothing, and have nothing trained below, share the first.
int64_t Workspace::place_of(int64_t index) const {
  for (const Range& chunk : chunks_)
    if (chunk.contains(index)) return std::max<int64_t>(index - std::max(chunk.begin, first_), 0);
  throw std::logic_error("a layer beyond those of the rank");
}

LayerBuffers Workspace::layer(int64_t index, int64_t n, int64_t slot) const {
  const auto kept = static_cast<size_t>(std::min(place_of(index), per_slot_ - 1) + slot * per_slot_);
  const LayerBuffers& b = sets_[sets_.size() == 1 ? 0 : kept];
  const at::Tensor& x = inputs_.empty() ? b.x : inputs_[kept];
  const TokenShare share = token_share(shard_, n);
  const auto all = [n](const at::Tensor& t) { return t.narrow(0, 0, n); };
  const auto own = [&](const at::Tensor& t) { return t.size(0) == 0 ? t : t.narrow(0, 0, share.own); };
  const auto normed = [&](const at::Tensor& h) { return shard_.sequence_parallel ? rows_of(shared_.h, share.padded, h.size(1)) : all(h); };
  return {.x = own(x),
          .x2 = own(b.x2),
          .h1 = normed(b.h1),
          .qkv = all(b.qkv),
          .attended = all(b.attended),
          .h2 = normed(b.h2),
          .gate_up = all(b.gate_up),
          .activated = all(b.activated),
          .rstd1 = own(b.rstd1),
          .rstd2 = own(b.rstd2),
          .lse = rows_of(b.lse, b.lse.size(0), n),
          .serial1 = own(b.serial1),
          .serial2 = own(b.serial2)};
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
