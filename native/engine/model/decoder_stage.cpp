// A decoder's chunks as stages of a pipeline: training, evaluation, and the hand-out of gradients. A decoder that holds the whole
// model is a pipeline of one.
#include <ATen/core/LegacyTypeDispatch.h>
#include <ATen/ops/add.h>

#include <stdexcept>

#include "core/base/random.h"
#include "engine/model/decoder_impl.h"

namespace collie {
namespace {

using NoAutograd = at::AutoDispatchBelowADInplaceOrView;

}  // namespace

Decoder::Impl::Chunk Decoder::Impl::chunk(int64_t index) const {
  const std::vector<Range>& chunks = layout.shard.chunks;
  size_t begin = 0;
  for (int64_t c = 0; c < index; ++c) begin += static_cast<size_t>(chunks[static_cast<size_t>(c)].size);
  const auto size = static_cast<size_t>(chunks.at(static_cast<size_t>(index)).size);
  return {begin, begin + size, layout.shard.embedding && index == 0,
          layout.shard.head && index + 1 == static_cast<int64_t>(chunks.size())};
}

// The micro-batch on the device; with dropout unless it is for evaluation.
Decoder::Impl::Uploaded Decoder::Impl::upload_pass(const StagePass& pass) {
  const PackedBatch& batch = with_slots(pass.micro_batch.batch, AdapterUse::on);
  StepContext ctx = upload(batch, AdapterUse::on);
  if (pass.micro_batch.grad_scale != 0) {
    uint64_t key = options.seed ^ 0x5851f42d4c957f2dull;
    ctx.dropout = {layout.dropout, splitmix64(key) ^ pass.micro_batch.key};
  }
  return {batch, ctx};
}

int64_t Decoder::Impl::computed_tokens(const StagePass& pass) const {
  const PackedBatch& batch = pass.micro_batch.batch;
  const auto documents = static_cast<int64_t>(batch.doc_offsets.size()) - 1;
  return batch.n_tokens() + (prompt ? documents * layout.virtual_tokens : 0);
}

int64_t Decoder::slots() const { return impl_->options.slots; }

at::Tensor Decoder::stage_input(const StagePass& pass) {
  const auto first = static_cast<int64_t>(impl_->chunk(pass.chunk).begin);
  return impl_->workspace.layer(first, impl_->computed_tokens(pass), pass.slot).x;
}

at::Tensor Decoder::stage_forward(const StagePass& pass) {
  NoAutograd guard;
  Impl& m = *impl_;
  const Impl::Chunk chunk = m.chunk(pass.chunk);
  const StepContext ctx = m.upload_pass(pass).ctx;
  const SharedBuffers& s = m.workspace.shared();
  const auto buffers = [&](size_t i) { return m.workspace.layer(static_cast<int64_t>(i), ctx.n, pass.slot); };
  if (chunk.first) m.embed(ctx, buffers(chunk.begin).x);
  const at::Tensor y = ctx.rows.padded(s.y), out = m.workspace.output(ctx.n, pass.slot);
  Pending pending;
  for (size_t i = chunk.begin; i < chunk.end; ++i)
    pending = m.use_layer(i, Pass::forward).forward(ctx, s, pending, buffers(i), y);
  at::Tensor result = out;
  at::add_out(result, pending.x, pending.y);
  return out;
}

std::vector<LossSums> Decoder::stage_losses(const StagePass& pass) {
  NoAutograd guard;
  Impl& m = *impl_;
  const auto [batch, ctx] = m.upload_pass(pass);
  const TargetRows targets = m.upload_targets(batch);
  if (targets.rows.size(0) == 0) return std::vector<LossSums>(batch.doc_offsets.size() - 1);
  m.head->loss(ctx, m.workspace.shared(), m.workspace.output(ctx.n, pass.slot), m.head_weights(), targets,
               at::Tensor());
  return m.document_sums(targets, batch);
}

at::Tensor Decoder::stage_output_gradient(const StagePass& pass) {
  return impl_->workspace.residual_gradient(impl_->computed_tokens(pass));
}

LossSums Decoder::stage_backward(const StagePass& pass, const GradientReceiver& receive) {
  NoAutograd guard;
  Impl& m = *impl_;
  const Impl::Chunk chunk = m.chunk(pass.chunk);
  const auto [batch, ctx] = m.upload_pass(pass);
  const at::Tensor dx = m.workspace.residual_gradient(ctx.n), out = m.workspace.output(ctx.n, pass.slot);
  LossSums result;
  if (chunk.last) {
    TargetRows targets = m.upload_targets(batch);
    std::vector<double> factors;
    if (pass.micro_batch.factors) {
      m.head->loss(ctx, m.workspace.shared(), out, m.head_weights(), targets, at::Tensor());
      factors = pass.micro_batch.factors(m.document_sums(targets, batch));
    }
    targets.scales = m.upload_scales(batch, pass.micro_batch.grad_scale, factors);
    targets.correct = at::Tensor();
    m.head->loss(ctx, m.workspace.shared(), out, m.head_weights(), targets, dx, pass.micro_batch.labels);
    result = m.sums(targets, batch);  // before the head's weights change
    m.on_gradients_ready(receive, m.layers.size());
  }
  m.backward(ctx, chunk, pass.slot, dx, receive);
  if (!chunk.first) m.kernels->copy(dx, out);
  return result;
}

at::Tensor Decoder::stage_input_gradient(const StagePass& pass) {
  return impl_->workspace.output(impl_->computed_tokens(pass), pass.slot);
}

bool Decoder::gradient_leaves(int64_t chunk) const { return impl_->gradient_goes_below(impl_->chunk(chunk).begin); }

bool Decoder::gradient_arrives(int64_t chunk) const {
  const ModelLayout& layout = impl_->layout;
  return layout.input_gradient || layout.shard.chunks.at(static_cast<size_t>(chunk)).end() > layout.lowest_trained;
}

void Decoder::idle_forward() {
  NoAutograd guard;
  for (size_t i = 0; i < impl_->layers.size(); ++i) impl_->use_layer(i, Pass::forward);
}

void Decoder::idle_backward(const GradientReceiver& receive) {
  NoAutograd guard;
  Impl& m = *impl_;
  m.on_gradients_ready(receive, m.layers.size());
  for (size_t i = m.layers.size(); i-- > 0;) {
    if (static_cast<int64_t>(i) >= m.layout.first_trained) m.use_layer(i, Pass::backward);
    m.on_gradients_ready(receive, i);
  }
  m.on_gradients_ready(receive, std::nullopt);
}

void Decoder::visit_gradient_groups(const GradientReceiver& visit) {
  Impl& m = *impl_;
  const auto group = [&](size_t begin, size_t end) {
    if (begin < end) visit({std::span(m.trainable).subspan(begin, end - begin), begin});
  };
  group(m.layer_begin.back(), m.trainable.size());
  for (size_t i = m.layers.size(); i-- > 0;) group(m.layer_begin[i], m.layer_begin[i + 1]);
  group(m.first_untied, m.layer_begin[0]);
}

std::optional<size_t> Decoder::tied_table() const {
  return impl_->first_untied > 0 ? std::optional<size_t>(0) : std::nullopt;
}

bool Decoder::counts(size_t index) const {
  const Impl& m = *impl_;
  const bool on_first_stage = index < m.first_untied && !m.layout.shard.embedding;
  return m.trainable.at(index).placement.counted == Counted::yes && !on_first_stage;
}

void Decoder::on_tied_gradients_ready(const GradientReceiver& receive) {
  NoAutograd guard;
  Impl& m = *impl_;
  if (!tied_table() || !receive) return;
  m.sum_gradients(0, 1);
  receive({std::span(m.trainable).subspan(0, 1), 0});
  m.zero_gradients(0, 1);
  m.embedding->sync(*m.kernels);
}

LossSums Decoder::forward_backward(const PackedBatch& batch, double grad_scale, uint64_t dropout_key,
                                   const Labels& labels) {
  if (impl_->options.gradients != GradientLife::whole_step)
    throw std::logic_error("gradients of one layer at a time need a receiver");
  return forward_backward_fused(batch, grad_scale, dropout_key, {}, labels);
}

LossSums Decoder::forward_backward_fused(const PackedBatch& batch, double grad_scale, uint64_t dropout_key,
                                         const GradientReceiver& receive, const Labels& labels) {
  if (impl_->layout.purpose != Purpose::train) throw std::logic_error("a decoder that serves has no gradients");
  const MicroBatch micro_batch{batch, grad_scale, dropout_key, labels};
  stage_forward({micro_batch});
  return stage_backward({micro_batch}, receive);
}

LossSums Decoder::evaluate(const PackedBatch& batch) {
  const MicroBatch micro_batch{batch};
  stage_forward({micro_batch});
  LossSums sums;
  for (const LossSums& document : stage_losses({micro_batch})) sums += document;
  return sums;
}

}  // namespace collie
