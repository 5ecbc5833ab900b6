// Attention on the GPU: libtorch's FlashAttention-2 (Dao 2023, arXiv 2307.08691) for bf16, our exact kernels for the rest.
#include <ATen/ops/empty.h>

#include "engine/kernels/attention_contract.h"
#include "engine/kernels/cuda/cuda_kernels.h"
#include "engine/kernels/cuda/tensors.h"

namespace collie::cuda {
namespace {

enum class Route { fused, exact };

Route route(const AttentionShape& s, const at::Tensor& q) {
  const bool fits = q.scalar_type() == at::kBFloat16 && s.head_dim <= 256 && s.head_dim % 8 == 0 && s.softcap == 0;
  return fits ? Route::fused : Route::exact;
}

// Query, key and value heads of a [N, (H + 2 KV) E] buffer as [N, heads, E] views.
struct Heads {
  at::Tensor q, k, v;
  Heads(const at::Tensor& qkv, const AttentionShape& s)
      : q(part(qkv, 0, s.heads, s.head_dim)),
        k(part(qkv, s.heads, s.kv_heads, s.head_dim)),
        v(part(qkv, s.heads + s.kv_heads, s.kv_heads, s.head_dim)) {}

 private:
  static at::Tensor part(const at::Tensor& qkv, int64_t first, int64_t heads, int64_t head_dim) {
    return qkv.narrow(1, first * head_dim, heads * head_dim).unflatten(1, {heads, head_dim});
  }
};

// Keys to the left of the query that a window leaves; nothing for no window.
std::optional<int64_t> keys_to_the_left(const AttentionShape& s) {
  return s.window > 0 ? std::optional<int64_t>(s.window - 1) : std::nullopt;
}

AttentionArgs exact_args(const AttentionShape& s, const Heads& heads, const at::Tensor& offsets, const at::Tensor& out,
                         const at::Tensor& lse, int64_t past) {
  TORCH_CHECK(s.head_dim <= kMaxHeadDim, "head_dim ", s.head_dim, " is larger than ", kMaxHeadDim);
  return {storage_of(heads.q),
          data(heads.q),
          data(heads.k),
          data(heads.v),
          data(out),
          data_as<float>(lse),
          data_as<int32_t>(offsets),
          heads.q.stride(0),
          heads.k.stride(0),
          row_stride(out),
          heads.q.size(0),
          offsets.numel() - 1,
          s.heads,
          s.kv_heads,
          s.head_dim,
          s.window,
          past,
          static_cast<float>(s.scale),
          static_cast<float>(s.softcap)};
}

FusedAttention fused_args(const AttentionShape& s, const Documents& docs, const Heads& heads) {
  return {heads.q, heads.k, heads.v, docs.offsets_device, docs.longest, docs.longest, keys_to_the_left(s), s.scale};
}

}  // namespace

void CudaKernels::attention(const AttentionShape& s, const Documents& docs, const AttentionForward& f) {
  check_lse(s, f);
  const Heads heads(f.qkv, s);
  if (route(s, f.qkv) == Route::exact) {
    const AttentionArgs args = exact_args(s, heads, docs.offsets_device, f.out, f.lse, 0);
    return run_on(f.qkv, [&](cudaStream_t stream) { cuda::attention(args, stream); });
  }
  const auto [out, lse] = fused_attention(fused_args(s, docs, heads));
  f.out.copy_(out.flatten(1));
  if (f.lse.defined()) f.lse.copy_(lse);
}

void CudaKernels::attention_backward(const AttentionShape& s, const Documents& docs, const AttentionBackward& b) {
  check_lse(s, b.forward);
  const Heads heads(b.forward.qkv, s), grads(b.dqkv, s);
  if (route(s, b.forward.qkv) == Route::exact) {
    const int64_t needed = s.heads * b.dout.size(0);
    if (!delta_.defined() || delta_.numel() < needed) delta_ = at::empty({needed}, b.forward.lse.options());
    const AttentionArgs forward = exact_args(s, heads, docs.offsets_device, b.forward.out, b.forward.lse, 0);
    const AttentionBackwardArgs args{forward,       data(b.dout),  data_as<float>(delta_), data(grads.q),
                                     data(grads.k), data(grads.v), row_stride(b.dout),     row_stride(b.dqkv)};
    return run_on(b.dout, [&](cudaStream_t stream) { cuda::attention_backward(args, stream); });
  }
  const auto per_head = [&](const at::Tensor& t) { return t.unflatten(1, {s.heads, s.head_dim}).contiguous(); };
  const auto [dq, dk, dv] =
      fused_attention_backward(fused_args(s, docs, heads), per_head(b.dout), {per_head(b.forward.out), b.forward.lse});
  grads.q.copy_(dq);
  grads.k.copy_(dk);
  grads.v.copy_(dv);
}

void CudaKernels::attention_cached(const AttentionShape& s, const at::Tensor& q, const at::Tensor& keys,
                                   const at::Tensor& values, const at::Tensor& out) {
  if (route(s, q) == Route::fused) {
    const auto split = [&](const at::Tensor& t, int64_t n) { return t.unflatten(1, {n, s.head_dim}); };
    const FusedOutput result = fused_attention({split(q, s.heads), split(keys, s.kv_heads), split(values, s.kv_heads),
                                                at::Tensor(), q.size(0), keys.size(0), keys_to_the_left(s), s.scale});
    at::Tensor(out).copy_(result.out.flatten(1));
    return;
  }
  const at::Tensor offsets = at::empty({2}, q.options().dtype(at::kInt));
  offsets[0].fill_(0);
  offsets[1].fill_(q.size(0));
  const AttentionArgs args{storage_of(q),
                           data(q),
                           data(keys),
                           data(values),
                           data(out),
                           nullptr,
                           data_as<int32_t>(offsets),
                           row_stride(q),
                           row_stride(keys),
                           row_stride(out),
                           q.size(0),
                           1,
                           s.heads,
                           s.kv_heads,
                           s.head_dim,
                           s.window,
                           keys.size(0) - q.size(0),
                           static_cast<float>(s.scale),
                           static_cast<float>(s.softcap)};
  run_on(q, [&](cudaStream_t stream) { cuda::attention(args, stream); });
}

}  // namespace collie::cuda
