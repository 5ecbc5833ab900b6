#include "engine/model/workspace.h"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <stdexcept>

namespace collie {
namespace {

at::ScalarType scalar_type(Element element, Precision precision) {
  if (element == Element::i32) return at::kInt;
  return element == Element::f32 || precision == Precision::fp32 ? at::kFloat : at::kBFloat16;
}

at::Tensor column(const at::Tensor& t) { return t.view({-1}); }
at::Tensor matrix(const at::Tensor& t) { return t; }
at::Tensor allocated(const at::Tensor& t, BufferRows rows) { return rows == BufferRows::column ? column(t) : t; }

}  // namespace

Workspace::Workspace(const ModelConfig& config, const ModelLayout& model, const std::optional<MethodSpec>& method,
                     const WorkspaceOptions& options)
    : options_(options), shard_(model.shard), first_(model.first_trained) {
  for (const Range& chunk : model.shard.chunks) {
    const int64_t begin = chunks_.empty() ? 0 : chunks_.back().end();
    chunks_.push_back({begin, chunk.size});
  }
  const auto layer_of = [&](BufferLife life, const LayerLayout& layer) {
    return allocate_layer(only(life, layer_shapes(config, model, layer, options.capacity), options.checkpointing));
  };
  per_slot_ = kept_layers(model);
  for (int64_t i = 0; i < options.slots * per_slot_; ++i)
    kept_.push_back(layer_of(BufferLife::kept, kept_layout(model, i % per_slot_)));
  remade_ = layer_of(BufferLife::remade, model.widest());
  shared_ = allocate_shared(
      shared_shapes(config, model, method, options.capacity, options.max_document, options.slots,
                    {options.precision, options.device.is_cuda() ? DeviceType::cuda : DeviceType::cpu}));
  reserve_positions(config, options.max_document);
}

at::Tensor Workspace::allocate(const BufferShape& shape) {
  bytes_ += shape.bytes(options_.precision);
  return at::empty({shape.rows, shape.cols},
                   at::TensorOptions().dtype(scalar_type(shape.element, options_.precision)).device(options_.device));
}

LayerBuffers Workspace::allocate_layer(const LayerShapes& s) {
#define COLLIE_ALLOCATED(name, rows, from) allocated(allocate(s.name), BufferRows::rows),
  return {COLLIE_LAYER_BUFFERS(COLLIE_ALLOCATED)};
#undef COLLIE_ALLOCATED
}

SharedBuffers Workspace::allocate_shared(const SharedShapes& s) {
#define COLLIE_ALLOCATED_AS(name, form) form(allocate(s.name)),
  return {COLLIE_SHARED_BUFFERS(COLLIE_ALLOCATED_AS){}};
#undef COLLIE_ALLOCATED_AS
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
  const LayerBuffers& kept = kept_[static_cast<size_t>(std::min(place_of(index), per_slot_ - 1) + slot * per_slot_)];
  const TokenShare share = token_share(shard_, n);
  const auto rows = [&](const at::Tensor& t, BufferRows kind) {
    if (kind == BufferRows::normed && shard_.sequence_parallel) return rows_of(shared_.h, share.padded, t.size(1));
    if (t.size(0) == 0) return t;
    if (kind == BufferRows::heads) return rows_of(t, t.size(0), n);
    return t.narrow(0, 0, kind == BufferRows::own || kind == BufferRows::column ? share.own : n);
  };
#define COLLIE_VIEW(name, kind, from) \
  rows(remakes(options_.checkpointing, Remade::from) ? remade_.name : kept.name, BufferRows::kind),
  return {COLLIE_LAYER_BUFFERS(COLLIE_VIEW)};
#undef COLLIE_VIEW
}

int64_t Workspace::first_rope_row(const ModelConfig& config, int64_t length) const {
  const auto longer = [&](const RopeConfig& rope) {
    return rope.scaling == RopeScaling::longrope && length > rope.original_max_position;
  };
  return std::ranges::any_of(config.ropes, longer) ? positions_ : 0;
}

void Workspace::reserve_positions(const ModelConfig& config, int64_t positions) {
  if (positions_ >= positions) return;
  positions_ = positions;
  const auto bytes = [](const RotaryTable& t) { return static_cast<int64_t>(t.cos.nbytes() + t.sin.nbytes()); };
  for (const RotaryTable& old : shared_.ropes) bytes_ -= bytes(old);
  shared_.ropes.clear();
  for (const RopeConfig& rope : config.ropes) {
    const RotaryTable table = make_rotary_table(rope, config.rotary_dim(), positions, rope_rows(config, positions));
    shared_.ropes.push_back({table.cos.to(options_.device), table.sin.to(options_.device)});
    bytes_ += bytes(shared_.ropes.back());
  }
}

}  // namespace collie
