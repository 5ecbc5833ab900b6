#include "engine/model/decoder.h"

#include <ATen/core/LegacyTypeDispatch.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>

#include <algorithm>
#include <stdexcept>

#ifdef __GLIBC__
#include <malloc.h>
#endif

#include "engine/model/decoder_impl.h"
#include "engine/model/weights.h"

namespace collie {
namespace {

// Kernels write into buffers in place: no autograd bookkeeping on the way.
using NoAutograd = at::AutoDispatchBelowADInplaceOrView;

at::Tensor host_ints(std::span<const int32_t> values) {
  return at::from_blob(const_cast<int32_t*>(values.data()), {static_cast<int64_t>(values.size())}, at::kInt);
}

void require(bool holds, const std::string& what) {
  if (!holds) throw std::logic_error(what);
}

}  // namespace

Decoder::Decoder(const ModelConfig& config, const DecoderOptions& options) {
  NoAutograd guard;
  const int64_t slots = options.method ? virtual_tokens(*options.method) : 0;
  require(options.capacity_tokens > slots && options.max_document > slots,
          "A decoder needs a capacity and a longest document, with the virtual tokens before it");
  require(!options.base || (options.method && options.purpose == Purpose::serve),
          "Only decoders that serve a method share a base");
  impl_ = std::make_unique<Impl>(config, options);
}

Decoder::~Decoder() = default;

void Decoder::load(const std::filesystem::path& folder, const Progress& progress, AdapterStart start) {
  NoAutograd guard;
  read_weights(folder, impl_->config, impl_->slots(), progress);
  if (start == AdapterStart::fresh) impl_->start_adapters();
}

void Decoder::make_room(const MethodSpec& guest) {
  NoAutograd guard;
  if (!impl_->make_room(guest)) return;
#ifdef __GLIBC__
  // The narrower weights lie between the wider ones, too small for any other: without this the process keeps a base's worth of them.
  if (impl_->options.device.is_cpu()) malloc_trim(0);
#endif
}

void Decoder::randomize(uint64_t seed, RandomSource source) {
  NoAutograd guard;
  random_weights(impl_->slots(), seed, source);
  impl_->start_adapters();
}

const PackedBatch& Decoder::Impl::with_slots(const PackedBatch& batch, AdapterUse adapter) {
  if (!prompt || adapter == AdapterUse::off) return batch;
  add_slots(batch, layout.virtual_tokens, slotted);
  return slotted;
}

StepContext Decoder::Impl::upload(const PackedBatch& batch, AdapterUse adapter) {
  const int64_t n = batch.n_tokens();
  require(n > 0 && n <= options.capacity_tokens,
          "A micro-batch of " + std::to_string(n) + " tokens, capacity " + std::to_string(options.capacity_tokens));
  require(batch.longest_document() <= options.max_document, "A document longer than max_document");
  const SharedBuffers& s = workspace.shared();
  upload_ids(batch.ids_N);
  s.integers[kPositions].narrow(0, 0, n).copy_(host_ints(rope_positions(batch)));
  const at::Tensor borders = s.offsets.narrow(0, 0, static_cast<int64_t>(batch.doc_offsets.size()));
  borders.copy_(host_ints(batch.doc_offsets));
  return {.kernels = *kernels,
          .tp = tp(),
          .rows = token_rows(n),
          .n = n,
          .positions = s.integers[kPositions].narrow(0, 0, n),
          .docs = {batch.doc_offsets, borders, batch.longest_document()},
          .adapter = adapter,
          .dropout = {},
          .adapter_input = s.adapter_input,
          .adapter_output = s.adapter_output,
          .prompt = adapter == AdapterUse::on ? prompt.get() : nullptr};
}

std::span<const int32_t> Decoder::Impl::own_rows(std::span<const int32_t> ids) {
  if (!shared_vocabulary()) return ids;
  row_ids.clear();
  for (const int32_t id : ids)
    row_ids.push_back(layout.vocabulary.contains(id) ? id - static_cast<int32_t>(layout.vocabulary.begin) : -1);
  return row_ids;
}

void Decoder::Impl::upload_ids(std::span<const int32_t> ids) {
  workspace.shared().integers[kIds].narrow(0, 0, static_cast<int64_t>(ids.size())).copy_(host_ints(own_rows(ids)));
}

// Rows of the rotary tables: positions, behind which long documents have rows of their own where a family rotates them otherwise.
const std::vector<int32_t>& Decoder::Impl::rope_positions(const PackedBatch& batch) {
  positions = batch.positions_N;
  for (size_t d = 0; d + 1 < batch.doc_offsets.size(); ++d) {
    const int32_t begin = batch.doc_offsets[d], end = batch.doc_offsets[d + 1];
    const auto row = static_cast<int32_t>(workspace.first_rope_row(config, end - begin));
    for (int32_t i = begin; row != 0 && i < end; ++i) positions[static_cast<size_t>(i)] += row;
  }
  return positions;
}

Pending Decoder::Impl::forward(const StepContext& ctx) {
  const SharedBuffers& s = workspace.shared();
  embed(ctx, workspace.layer(0, ctx.n).x);
  const at::Tensor y = ctx.rows.padded(s.y);
  Pending pending;
  for (size_t i = 0; i < layers.size(); ++i)
    pending = use_layer(i, Pass::forward).forward(ctx, s, pending, workspace.layer(static_cast<int64_t>(i), ctx.n), y);
  return pending;
}

TargetRows Decoder::Impl::upload_targets(const PackedBatch& batch) {
  target_rows.clear();
  target_ids.clear();
  for (int32_t i = 0; i < static_cast<int32_t>(batch.targets_N.size()); ++i)
    if (batch.targets_N[static_cast<size_t>(i)] >= 0) {
      target_rows.push_back(i);
      target_ids.push_back(batch.targets_N[static_cast<size_t>(i)]);
    }
  const int64_t count = static_cast<int64_t>(target_rows.size());
  const at::Tensor& ints = workspace.shared().integers;
  const TargetRows t{
      ints[kRows].narrow(0, 0, count), ints[kTargets].narrow(0, 0, count), {}, ints[kCorrect].narrow(0, 0, count)};
  t.rows.copy_(host_ints(target_rows));
  t.targets.copy_(host_ints(own_rows(target_ids)));
  return t;
}

at::Tensor Decoder::Impl::upload_scales(const PackedBatch& batch, double grad_scale, std::span<const double> factors) {
  target_scales.clear();
  for (size_t d = 0; d + 1 < batch.doc_offsets.size(); ++d) {
    const double scale = factors.empty() ? grad_scale : grad_scale * factors[d];
    for (auto i = static_cast<size_t>(batch.doc_offsets[d]); i < static_cast<size_t>(batch.doc_offsets[d + 1]); ++i)
      if (batch.targets_N[i] >= 0) target_scales.push_back(static_cast<float>(batch.weight(i) * scale));
  }
  const auto count = static_cast<int64_t>(target_scales.size());
  const at::Tensor scales = workspace.shared().scales.narrow(0, 0, count);
  scales.copy_(at::from_blob(target_scales.data(), {count}, at::TensorOptions().dtype(at::kFloat)));
  return scales;
}

LossSums Decoder::Impl::sums(const TargetRows& t, const PackedBatch& batch) const {
  const int64_t count = t.rows.size(0);
  LossSums sums{.loss = 0, .targets = count, .correct = 0};
  const at::Tensor losses = workspace.shared().losses.narrow(0, 0, count).to(at::kCPU);
  for (int64_t i = 0; i < count; ++i) {
    const float weight = batch.weight(static_cast<size_t>(target_rows[static_cast<size_t>(i)]));
    sums.loss += static_cast<double>(losses.const_data_ptr<float>()[i]) * weight;
  }
  return sums;
}

std::vector<LossSums> Decoder::Impl::document_sums(const TargetRows& t, const PackedBatch& batch) const {
  std::vector<LossSums> documents(batch.doc_offsets.size() - 1);
  const at::Tensor losses = workspace.shared().losses.narrow(0, 0, t.rows.size(0)).to(at::kCPU),
                   correct = t.correct.to(at::kCPU);
  int64_t target = 0;  // targets lie in the order of the tokens
  for (size_t d = 0; d < documents.size(); ++d)
    for (auto i = static_cast<size_t>(batch.doc_offsets[d]); i < static_cast<size_t>(batch.doc_offsets[d + 1]); ++i) {
      if (batch.targets_N[i] < 0) continue;
      documents[d] +=
          {static_cast<double>(losses.const_data_ptr<float>()[target]), 1, correct.const_data_ptr<int32_t>()[target]};
      ++target;
    }
  return documents;
}

void Decoder::Impl::backward(const StepContext& ctx, const Chunk& chunk, int64_t slot, const at::Tensor& dx,
                             const GradientReceiver& receive) {
  const SharedBuffers& s = workspace.shared();
  const ActivationCheckpointing level = options.checkpointing;
  const auto first = std::max(chunk.begin, static_cast<size_t>(layout.first_trained));
  for (size_t i = chunk.end; i-- > first;) {
    Layer& layer = use_layer(i, Pass::backward);
    const LayerBuffers b = workspace.layer(static_cast<int64_t>(i), ctx.n, slot);
    // The last layer's activations are still there, unless another micro-batch came in between.
    const bool there = level == ActivationCheckpointing::off || (i + 1 == chunk.end && options.slots == 1);
    if (!there) layer.recompute(level, ctx, s, b, ctx.rows.padded(s.y));
    layer.backward(ctx, s, b, dx, gradient_goes_below(i) ? InputGradient::wanted : InputGradient::not_wanted);
    on_gradients_ready(receive, i);
  }
  if (!chunk.first) return;
  if (layout.input_gradient) {
    const at::Tensor all = ctx.rows.gathered(dx, ctx.rows.padded(s.y));
    if (position_table && position_table->grad().defined())
      kernels->embedding_backward(ctx.positions, ctx.rows.tokens(all), position_table->grad());
    if (config.traits.scales_prompts) scale_embeddings(all);
    if (ctx.prompt) ctx.prompt->embed_backward(ctx, all);
    if (!config.traits.scales_prompts) scale_embeddings(all);
    if (embedding->grad().defined())
      kernels->embedding_backward(s.integers[kIds].narrow(0, 0, ctx.n), all, embedding->grad());
  }
  on_gradients_ready(receive, std::nullopt);
}

bool Decoder::Impl::gradient_goes_below(size_t layer) const {
  return layout.input_gradient || layout.shard.layer(static_cast<int64_t>(layer)) > layout.lowest_trained;
}

// Parameters of a layer (`layers.size()`: of final norm and head; nullopt: of the model's input), whose gradients are
// complete now. Layers share gradients, so they start from zero again.
void Decoder::Impl::on_gradients_ready(const GradientReceiver& receive, std::optional<size_t> layer) {
  if (!receive) return;
  const size_t begin = layer ? layer_begin[*layer] : first_untied;
  const size_t end = !layer ? layer_begin[0] : *layer < layers.size() ? layer_begin[*layer + 1] : trainable.size();
  if (begin == end) return;
  if (options.gradients == GradientLife::whole_step)
    return receive({std::span(trainable).subspan(begin, end - begin), begin});
  sum_gradients(begin, end);
  if (layer && *layer < layers.size()) layers[*layer].finish_gradients(*kernels);
  receive({std::span(trainable).subspan(begin, end - begin), begin});
  zero_gradients(begin, end);
  if (!layer) {
    if (embedding) embedding->sync(*kernels);
    if (position_table) position_table->sync(*kernels);
    if (prompt) prompt->sync(*kernels);
  } else if (*layer == layers.size()) {
    sync_head();
  } else {
    layers[*layer].sync(*kernels);
    if (gathered) gathered->forget(*layer);
  }
}

at::Tensor Decoder::logits(const PackedBatch& real, AdapterUse adapter) {
  NoAutograd guard;
  const PackedBatch& batch = impl_->with_slots(real, adapter);
  const StepContext ctx = impl_->upload(batch, adapter);
  const Pending top = impl_->forward(ctx);
  const at::Tensor out =
      at::empty({ctx.n, impl_->config.vocab_size}, at::TensorOptions().dtype(at::kFloat).device(impl_->options.device));
  impl_->head->logits(ctx, impl_->workspace.shared(), top, impl_->head_weights(), 0, out);
  if (!ctx.prompt) return out.to(at::kCPU);
  std::vector<at::Tensor> documents;
  const int64_t slots = impl_->layout.virtual_tokens;
  for (size_t d = 0; d + 1 < batch.doc_offsets.size(); ++d)
    documents.push_back(out.slice(0, batch.doc_offsets[d] + slots, batch.doc_offsets[d + 1]));
  return at::cat(documents, 0).to(at::kCPU);
}

std::span<Parameter> Decoder::trainable() { return impl_->trainable; }
int64_t Decoder::total_params() const { return parameter_count(impl_->config); }
const ModelConfig& Decoder::config() const { return impl_->config; }

void Decoder::zero_grad() {
  NoAutograd guard;
  impl_->zero_gradients(0, impl_->trainable.size());
}

void Decoder::finish_gradients() {
  NoAutograd guard;
  impl_->sum_gradients(0, impl_->trainable.size());
  for (Layer& layer : impl_->layers) layer.finish_gradients(*impl_->kernels);
}

std::optional<RankReport> Decoder::after_update(const StepProgress& now) {
  NoAutograd guard;
  return impl_->method ? impl_->method->after_update(now) : std::nullopt;
}

bool Decoder::plans_all_steps() const { return impl_->method != nullptr; }

void Decoder::bind_base() {
  NoAutograd guard;
  impl_->each_linear_in_use([&](Linear& linear) { linear.bind_base(*impl_->kernels); });
}

void Decoder::sync_weights() {
  NoAutograd guard;
  impl_->each_weight([&](BaseWeight& weight) { weight.sync(*impl_->kernels); });
  impl_->each_linear([&](Linear& linear) { linear.sync(*impl_->kernels); });
  if (impl_->gathered) impl_->gathered->forget();
  impl_->each_serial([&](SerialAdapter& serial) { serial.sync(*impl_->kernels); });
  if (impl_->prompt) impl_->prompt->sync(*impl_->kernels);
}

}  // namespace collie
