// What the CUDA kernels take from libtorch and the CUDA runtime (library.h), over host memory: products by the CPU kernels, fused attention
// from its formula, reading its inputs as FlashAttention does.
#include "engine/kernels/cuda/library.h"

#include <ATen/ATen.h>

#include <cmath>

namespace collie::cuda {
namespace {

Kernels& cpu_kernels() {
  static const auto kernels = make_cpu_kernels();
  return *kernels;
}

struct Document {
  int64_t first_q, queries, first_k, keys;
};

std::vector<Document> documents_of(const FusedAttention& a) {
  if (!a.offsets.defined()) return {{0, a.q.size(0), 0, a.k.size(0)}};
  TORCH_CHECK(a.offsets.is_contiguous() && a.offsets.scalar_type() == at::kInt, "borders of documents");
  std::vector<Document> all;
  const int32_t* offsets = a.offsets.data_ptr<int32_t>();
  for (int64_t d = 0; d + 1 < a.offsets.numel(); ++d) {
    const int64_t length = offsets[d + 1] - offsets[d];
    TORCH_CHECK(length <= a.longest_q && length <= a.longest_k, "a document of ", length,
                " tokens, longest said to be ", a.longest_q);
    all.push_back({offsets[d], length, offsets[d], length});
  }
  return all;
}

// fp32 [H, length, E], key-value heads once for every query head of their group.
at::Tensor heads_of(const at::Tensor& t, int64_t first, int64_t length, int64_t heads) {
  TORCH_CHECK(t.stride(2) == 1 && t.scalar_type() == at::kBFloat16, "heads of the fused attention");
  return t.narrow(0, first, length).to(at::kFloat).transpose(0, 1).repeat_interleave(heads / t.size(1), 0);
}

// Scaled scores, -inf where a query does not see the key: the last query stands at the last key.
at::Tensor scores_of(const FusedAttention& a, const at::Tensor& q, const at::Tensor& k) {
  const int64_t queries = q.size(1), keys = k.size(1), past = keys - queries;
  at::Tensor seen = at::ones({queries, keys}, at::kBool).tril(past);
  if (a.keys_to_the_left) seen = seen & at::ones({queries, keys}, at::kBool).triu(past - *a.keys_to_the_left);
  return at::matmul(q, k.transpose(1, 2)).mul(a.scale).masked_fill(seen.logical_not(), -INFINITY);
}

at::Tensor per_group(const at::Tensor& t, int64_t kv_heads) {  // [H, L, E] -> [L, KV, E], heads of a group added up
  return t.unflatten(0, {kv_heads, t.size(0) / kv_heads}).sum(1).transpose(0, 1);
}

}  // namespace

at::Device checked_device(at::Device) { return at::kCPU; }
std::string device_name(at::Device) { return "cuda emulated"; }
bool on_device(const at::Tensor& t) { return t.is_cpu(); }
void sum_products_in_fp32() {}
void run_on(const at::Tensor&, c10::function_ref<void(cudaStream_t)> work) { work(nullptr); }

void multiply(const at::Tensor& a, const at::Tensor& b, const at::Tensor& c, GemmScale scale) {
  TORCH_CHECK(
      a.scalar_type() == b.scalar_type() && (c.scalar_type() == a.scalar_type() || c.scalar_type() == at::kFloat),
      "cuBLAS has no product of these types");
  cpu_kernels().gemm(a, b, c, scale);
}

FusedOutput fused_attention(const FusedAttention& a) {
  const int64_t heads = a.q.size(1);
  FusedOutput result{at::empty(a.q.sizes(), a.q.options()), at::empty({heads, a.q.size(0)}, at::kFloat)};
  for (const Document& d : documents_of(a)) {
    const at::Tensor scores =
        scores_of(a, heads_of(a.q, d.first_q, d.queries, heads), heads_of(a.k, d.first_k, d.keys, heads));
    const at::Tensor out = at::matmul(scores.softmax(-1), heads_of(a.v, d.first_k, d.keys, heads));
    result.out.narrow(0, d.first_q, d.queries).copy_(out.transpose(0, 1));
    result.lse.narrow(1, d.first_q, d.queries).copy_(scores.logsumexp(-1));
  }
  return result;
}

// FlashAttention takes no strides of log-sum-exps: head h begins at h N, whatever the tensor says.
FusedGradients fused_attention_backward(const FusedAttention& a, const at::Tensor& dout, const FusedOutput& forward) {
  const int64_t heads = a.q.size(1), kv_heads = a.k.size(1), n = a.q.size(0);
  TORCH_CHECK(dout.is_contiguous() && forward.out.is_contiguous() && dout.scalar_type() == at::kBFloat16,
              "outputs of the fused attention");
  const at::Tensor lse = at::from_blob(forward.lse.data_ptr<float>(), {heads, n}, at::kFloat);
  FusedGradients g{at::empty(a.q.sizes(), a.q.options()), at::empty(a.k.sizes(), a.k.options()),
                   at::empty(a.v.sizes(), a.v.options())};
  for (const Document& d : documents_of(a)) {
    const auto queries = [&](const at::Tensor& t) { return heads_of(t, d.first_q, d.queries, heads); };
    const at::Tensor q = queries(a.q), k = heads_of(a.k, d.first_k, d.keys, heads),
                     v = heads_of(a.v, d.first_k, d.keys, heads);
    const at::Tensor p = (scores_of(a, q, k) - lse.narrow(1, d.first_q, d.queries).unsqueeze(-1)).exp(),
                     g_out = queries(dout);
    const at::Tensor delta = (g_out * queries(forward.out)).sum(-1, /*keepdim=*/true);
    const at::Tensor ds = p * (at::matmul(g_out, v.transpose(1, 2)) - delta) * a.scale;
    g.dq.narrow(0, d.first_q, d.queries).copy_(at::matmul(ds, k).transpose(0, 1));
    g.dk.narrow(0, d.first_k, d.keys).copy_(per_group(at::matmul(ds.transpose(1, 2), q), kv_heads));
    g.dv.narrow(0, d.first_k, d.keys).copy_(per_group(at::matmul(p.transpose(1, 2), g_out), kv_heads));
  }
  return g;
}

}  // namespace collie::cuda
