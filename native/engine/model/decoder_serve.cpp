// Conversations: prompts in chunks, then token by token, over cached keys and values.
#include <ATen/core/LegacyTypeDispatch.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>

#include <algorithm>
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
  impl_->workspace.reserve_positions(c, capacity_tokens);
  auto cache = std::make_shared<KvCache>();
  cache->capacity = capacity_tokens;
  const at::TensorOptions storage = impl_->embedding.computes().options();
  for (int64_t i = 0; i < c.n_layers; ++i)
    cache->layers.push_back({at::empty({capacity_tokens, c.n_kv_heads * c.head_dim}, storage),
                             at::empty({capacity_tokens, c.n_kv_heads * c.head_dim}, storage), 0});
  return cache;
}

void Decoder::truncate(KvCache& cache, int64_t n_tokens) const {
  if (n_tokens < 0 || n_tokens > cache.used) throw std::logic_error("A cache is cut to at most what it holds");
  cache.used = n_tokens;
}

at::Tensor Decoder::extend(std::span<const int32_t> ids, KvCache& cache, AdapterUse adapter) {
  NoAutograd guard;
  Impl& m = *impl_;
  const int64_t total = static_cast<int64_t>(ids.size());
  if (total == 0 || cache.used + total > cache.capacity) throw std::logic_error("A cache is extended by 1 to its free tokens");
  const SharedBuffers& s = m.workspace.shared();
  const at::Tensor out = at::empty({1, m.config.vocab_size}, at::TensorOptions().dtype(at::kFloat).device(m.options.device));
  for (int64_t first = 0; first < total; first += m.options.capacity_tokens) {
    const int64_t n = std::min(m.options.capacity_tokens, total - first);
    const at::Tensor id = s.integers[Impl::kIds].narrow(0, 0, n), position = s.integers[Impl::kPositions].narrow(0, 0, n);
    id.copy_(at::from_blob(const_cast<int32_t*>(ids.data() + first), {n}, at::kInt));
    std::vector<int32_t> positions(static_cast<size_t>(n));
    for (int64_t i = 0; i < n; ++i) positions[static_cast<size_t>(i)] = static_cast<int32_t>(cache.used + i);
    position.copy_(at::from_blob(positions.data(), {n}, at::kInt));
    const StepContext ctx{*m.kernels, n, position, {}, adapter, {}, s.adapter_input, s.adapter_output};
    const at::Tensor y = s.y.narrow(0, 0, n);
    m.kernels->embedding(id, m.embedding.computes(), m.workspace.layer(0, n).x);
    Pending pending;
    for (size_t i = 0; i < m.layers.size(); ++i) {
      cache.layers[i].used = cache.used;
      pending = m.layers[i].extend(ctx, s, pending, m.workspace.layer(static_cast<int64_t>(i), n), cache.layers[i], y);
    }
    cache.used += n;
    if (first + n == total) m.head.logits(ctx, s, pending, m.head_table(), n - 1, out);
  }
  return out[0].to(at::kCPU);
}

}  // namespace collie
