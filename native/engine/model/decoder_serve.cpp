// Conversations: prompts in chunks, then token by token, over cached keys and values.
#include <ATen/core/LegacyTypeDispatch.h>
#include <ATen/ops/add.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>

#include <algorithm>
#include <array>
#include <numeric>
#include <stdexcept>

#include "engine/model/decoder_impl.h"
#include "engine/model/kv_cache.h"

namespace collie {
namespace {

using NoAutograd = at::AutoDispatchBelowADInplaceOrView;

}  // namespace

std::shared_ptr<KvCache> Decoder::make_cache(int64_t capacity_tokens) {
  NoAutograd guard;
  const ModelConfig& c = impl_->config;
  const int64_t rows = capacity_tokens + impl_->layout.virtual_tokens;
  impl_->workspace.reserve_positions(c, rows);
  auto cache = std::make_shared<KvCache>();
  cache->capacity = capacity_tokens;
  cache->layers = impl_->empty_cache(rows);
  return cache;
}

std::vector<LayerCache> Decoder::Impl::empty_cache(int64_t rows) const {
  const at::TensorOptions storage = workspace.shared().y.options();
  const int64_t width = layout.heads.kv_heads.size * config.head_dim;
  std::vector<LayerCache> all;
  for (size_t i = 0; i < layers.size(); ++i)
    all.push_back({at::empty({rows, width}, storage), at::empty({rows, width}, storage), 0});
  return all;
}

// An empty cache forgets its slots too: they depend on trained weights, which may have changed.
int64_t Decoder::answers_at_once() const { return impl_->kernels->few_rows(); }

void Decoder::truncate(KvCache& cache, int64_t n_tokens) const {
  if (n_tokens < 0 || n_tokens > cache.tokens()) throw std::logic_error("A cache is cut to at most what it holds");
  if (n_tokens == 0) cache.slots = 0;
  cache.used = n_tokens + cache.slots;
}

StepContext Decoder::Impl::upload_rows(std::span<const int32_t> ids, std::vector<int32_t> positions,
                                       AdapterUse adapter) {
  const auto n = static_cast<int64_t>(ids.size());
  const SharedBuffers& s = workspace.shared();
  const at::Tensor position = s.integers[kPositions].narrow(0, 0, n);
  upload_ids(ids);
  position.copy_(at::from_blob(positions.data(), {n}, at::kInt));
  return {*kernels, tp(), token_rows(n), n, position, {}, adapter, {}, s.adapter_input, s.adapter_output};
}

StepContext Decoder::Impl::upload_chunk(std::span<const int32_t> ids, int64_t first_position, AdapterUse adapter) {
  const auto end = first_position + static_cast<int64_t>(ids.size());
  std::vector<int32_t> positions(ids.size());
  std::iota(positions.begin(), positions.end(),
            static_cast<int32_t>(first_position + workspace.first_rope_row(config, end)));
  return upload_rows(ids, std::move(positions), adapter);
}

// Chunk by chunk: where layers lie on several stages, each gives its output to the next and nothing overlaps.
Pending Decoder::Impl::advance(const StepContext& ctx, std::span<const Turn> turns) {
  constexpr int64_t kTag = 0;
  const SharedBuffers& s = workspace.shared();
  const Parallel& grid = options.parallel;
  const int64_t stages = grid.spec.pp_size, stage = grid.place.stage;
  const at::Tensor y = ctx.rows.padded(s.y);
  std::vector<CachedRows> conversations(turns.size());
  Pending pending;
  for (int64_t index = 0; index < static_cast<int64_t>(layout.shard.chunks.size()); ++index) {
    const Chunk part = chunk(index);
    const at::Tensor x = workspace.layer(static_cast<int64_t>(part.begin), ctx.n).x;
    if (!part.first) grid.pp->start_receive(x, (stage + stages - 1) % stages, kTag)->wait();
    if (part.first) embed(ctx, x);
    pending = {};
    for (size_t i = part.begin; i < part.end; ++i) {
      for (size_t k = 0; k < turns.size(); ++k) {
        const auto& [cache, first, count] = turns[k];
        conversations[k] = {cache.layers[i], first, count};
        conversations[k].cache.used = cache.used;
      }
      pending = use_layer(i, Pass::forward)
                    .extend(ctx, s, pending, workspace.layer(static_cast<int64_t>(i), ctx.n), conversations, y);
    }
    if (part.last) continue;
    at::Tensor out = workspace.output(ctx.n, 0);
    at::add_out(out, pending.x, pending.y);
    grid.pp->start_send(out, (stage + 1) % stages, kTag)->wait();
  }
  for (const Turn& turn : turns) turn.cache.used += turn.count;
  return pending;
}

// The slots are one document whose outputs nobody asks for.
void Decoder::Impl::append_slots(KvCache& cache) {
  const std::vector<int32_t> ids(static_cast<size_t>(layout.virtual_tokens), 0);
  const std::array<int32_t, 2> borders = {0, static_cast<int32_t>(layout.virtual_tokens)};
  StepContext ctx = upload_chunk(ids, 0, AdapterUse::on);
  ctx.docs.offsets = borders;
  ctx.prompt = prompt.get();
  advance(ctx, cache);
  cache.slots = layout.virtual_tokens;
}

at::Tensor Decoder::extend(std::span<const int32_t> ids, KvCache& cache, AdapterUse adapter) {
  NoAutograd guard;
  Impl& m = *impl_;
  const int64_t total = static_cast<int64_t>(ids.size());
  if (total == 0 || cache.tokens() + total > cache.capacity)
    throw std::logic_error("A cache is extended by 1 to its free tokens");
  if (m.prompt && adapter == AdapterUse::on && cache.used == 0) m.append_slots(cache);
  for (int64_t first = 0;; first += m.options.capacity_tokens) {
    const int64_t n = std::min(m.options.capacity_tokens, total - first);
    const StepContext ctx =
        m.upload_chunk(ids.subspan(static_cast<size_t>(first), static_cast<size_t>(n)), cache.used, adapter);
    const Pending pending = m.advance(ctx, cache);
    if (first + n == total) return m.shared_logits(ctx, pending, n - 1)[0];
  }
}

at::Tensor Decoder::extend_each(std::span<const int32_t> ids, std::span<KvCache* const> caches, AdapterUse adapter) {
  NoAutograd guard;
  Impl& m = *impl_;
  if (ids.empty() || ids.size() != caches.size() || static_cast<int64_t>(ids.size()) > m.options.capacity_tokens)
    throw std::logic_error("As many conversations as ids go on together, at most the capacity");
  std::vector<int32_t> positions;
  std::vector<Impl::Turn> turns;
  for (KvCache* cache : caches) {
    if (cache->tokens() == 0 || cache->tokens() == cache->capacity)
      throw std::logic_error("A conversation that goes on has tokens, and room for one more");
    positions.push_back(static_cast<int32_t>(cache->used + m.workspace.first_rope_row(m.config, cache->used + 1)));
    turns.push_back({*cache, static_cast<int64_t>(turns.size()), 1});
  }
  const StepContext ctx = m.upload_rows(ids, std::move(positions), adapter);
  return m.shared_logits(ctx, m.advance(ctx, turns), 0);
}

at::Tensor Decoder::Impl::shared_logits(const StepContext& ctx, const Pending& pending, int64_t first) {
  const at::Tensor out =
      at::empty({ctx.n - first, config.vocab_size}, at::TensorOptions().dtype(at::kFloat).device(options.device));
  if (head) head->logits(ctx, workspace.shared(), pending, head_weights(), first, out);
  const Parallel& grid = options.parallel;
  if (grid.spec.pp_size > 1) grid.pp->broadcast(out, grid.spec.pp_size - 1);
  // What is drawn from these logits decides how long all ranks go on together.
  if (gathered) grid.dp->broadcast(out, 0);
  return out.to(at::kCPU);
}

// Keys and values of real tokens are computed by the base model, as the beginning of a conversation.
void Decoder::Impl::start_prompt() {
  const std::vector<int32_t> ids =
      prompt_start_ids(options.prompt_ids, layout.virtual_tokens, config.vocab_size, options.seed);
  const auto keys_values = [&] {
    KvCache cache;
    cache.layers = empty_cache(layout.virtual_tokens);
    advance(upload_chunk(ids, 0, AdapterUse::off), cache);
    std::vector<at::Tensor> all;
    for (const LayerCache& layer : cache.layers) all.push_back(at::cat({layer.keys, layer.values}, 1));
    return all;
  };
  StepContext ctx = upload_chunk(ids, 0, AdapterUse::off);
  ctx.rows = {tp(), ctx.n};  // every rank wants all of them
  const at::Tensor embeddings = at::empty({ctx.n, config.hidden_size}, embedding->computes().options());
  look_up(ctx, embeddings);
  const ModelTraits& t = config.traits;
  if (t.scales_prompts && t.embedding_scale != 1) kernels->copy(embeddings, embeddings, 1 / t.embedding_scale);
  prompt->init(*kernels, {embeddings, keys_values});
  prompt->sync(*kernels);
}

}  // namespace collie
