// Attention on the CPU: documents and key-value heads are independent units of work, taken by threads from a common list,
// longest first. Which thread takes which does not change the result.
#include <ATen/Parallel.h>

#include <algorithm>
#include <atomic>

#include "engine/kernels/attention_contract.h"
#include "engine/kernels/cpu/cpu_kernels.h"

namespace collie::cpu {
namespace {

// Query rows of a block, all heads of the group together: enough to amortize packing, few enough to waste little of the
// causal triangle.
constexpr int64_t kBlockRows = 192;

int64_t block_queries(int64_t group) { return std::max<int64_t>(16, kBlockRows / group); }

using Unit = AttentionUnit;

int64_t cost(const Unit& u, const Documents& docs) {
  const int64_t length =
      docs.offsets[static_cast<size_t>(u.document) + 1] - docs.offsets[static_cast<size_t>(u.document)];
  return static_cast<int64_t>(u.end - u.begin) * std::min<int64_t>(u.end, length);
}

template <class F>
void run_units(const std::vector<Unit>& units, const F& work) {
  std::atomic<size_t> next{0};
  at::parallel_for(0, at::get_num_threads(), 1, [&](int64_t, int64_t) {
    for (size_t i = next++; i < units.size(); i = next++) work(units[i]);
  });
}

// Units of `queries` queries each, costly ones first. The list is kept between calls: no allocation in a step.
const std::vector<Unit>& plan_units(std::vector<Unit>& units, const AttentionShape& s, const Documents& docs,
                                    int64_t queries) {
  units.clear();
  for (size_t d = 0; d + 1 < docs.offsets.size(); ++d) {
    const int64_t length = docs.offsets[d + 1] - docs.offsets[d];
    for (int64_t kv = 0; kv < s.kv_heads; ++kv)
      for (int64_t q = 0; q < length; q += queries)
        units.push_back({static_cast<int32_t>(d), static_cast<int32_t>(kv), static_cast<int32_t>(q),
                         static_cast<int32_t>(std::min(q + queries, length))});
  }
  std::stable_sort(units.begin(), units.end(),
                   [&](const Unit& a, const Unit& b) { return cost(a, docs) > cost(b, docs); });
  return units;
}

char* at_element(const at::Tensor& t, int64_t row, int64_t col) {
  return static_cast<char*>(const_cast<void*>(t.const_data_ptr())) +
         (row * t.stride(0) + col) * static_cast<int64_t>(t.element_size());
}

AttentionArgs document_args(const AttentionShape& s, const Documents& docs, const AttentionForward& f, const Unit& u) {
  const int64_t group = s.heads / s.kv_heads, e = s.head_dim;
  const int64_t first = docs.offsets[static_cast<size_t>(u.document)];
  const int64_t length = docs.offsets[static_cast<size_t>(u.document) + 1] - first;
  return {
      .q = at_element(f.qkv, first, u.kv_head * group * e),
      .k = at_element(f.qkv, first, (s.heads + u.kv_head) * e),
      .v = at_element(f.qkv, first, (s.heads + s.kv_heads + u.kv_head) * e),
      .out = at_element(f.out, first, u.kv_head * group * e),
      .lse = f.lse.defined() ? f.lse.mutable_data_ptr<float>() + u.kv_head * group * f.lse.stride(0) + first : nullptr,
      .q_stride = f.qkv.stride(0),
      .kv_stride = f.qkv.stride(0),
      .out_stride = f.out.stride(0),
      .lse_stride = f.lse.defined() ? f.lse.stride(0) : 0,
      .group = group,
      .head_dim = e,
      .q_len = length,
      .k_len = length,
      .window = s.window,
      .scale = static_cast<float>(s.scale),
      .softcap = static_cast<float>(s.softcap),
      .scratch = nullptr,
      .block = block_queries(group)};
}

}  // namespace

void CpuKernels::attention(const AttentionShape& s, const Documents& docs, const AttentionForward& f) {
  check_lse(s, f);
  const size_t type = static_cast<size_t>(storage_of(f.qkv));
  run_units(plan_units(units_, s, docs, block_queries(s.heads / s.kv_heads)), [&](const Unit& u) {
    AttentionArgs args = document_args(s, docs, f, u);
    args.scratch = thread_scratch(table_.attention_scratch_floats(args));
    table_.attention[type](args, u.begin, u.end);
  });
}

void CpuKernels::attention_backward(const AttentionShape& s, const Documents& docs, const AttentionBackward& b) {
  check_lse(s, b.forward);
  const size_t type = static_cast<size_t>(storage_of(b.dqkv));
  const int64_t group = s.heads / s.kv_heads, e = s.head_dim;
  run_units(plan_units(units_, s, docs, std::max<int64_t>(docs.longest, 1)), [&](const Unit& u) {
    const int64_t first = docs.offsets[static_cast<size_t>(u.document)];
    AttentionBackwardArgs args{.forward = document_args(s, docs, b.forward, u),
                               .dout = at_element(b.dout, first, u.kv_head * group * e),
                               .dq = at_element(b.dqkv, first, u.kv_head * group * e),
                               .dk = at_element(b.dqkv, first, (s.heads + u.kv_head) * e),
                               .dv = at_element(b.dqkv, first, (s.heads + s.kv_heads + u.kv_head) * e),
                               .dout_stride = b.dout.stride(0),
                               .dq_stride = b.dqkv.stride(0),
                               .dkv_stride = b.dqkv.stride(0)};
    args.forward.scratch = thread_scratch(table_.attention_backward_scratch_floats(args.forward));
    table_.attention_backward[type](args);
  });
}

void CpuKernels::attention_cached(const AttentionShape& s, const at::Tensor& q, const at::Tensor& keys,
                                  const at::Tensor& values, const at::Tensor& out) {
  const size_t type = static_cast<size_t>(storage_of(q));
  const int64_t group = s.heads / s.kv_heads, e = s.head_dim, queries = q.size(0), block = block_queries(group);
  const int64_t blocks = (queries + block - 1) / block;
  at::parallel_for(0, s.kv_heads * blocks, 1, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t kv = i / blocks, first = i % blocks * block;
      AttentionArgs args{.q = at_element(q, 0, kv * group * e),
                         .k = at_element(keys, 0, kv * e),
                         .v = at_element(values, 0, kv * e),
                         .out = at_element(out, 0, kv * group * e),
                         .lse = nullptr,
                         .q_stride = q.stride(0),
                         .kv_stride = keys.stride(0),
                         .out_stride = out.stride(0),
                         .lse_stride = 0,
                         .group = group,
                         .head_dim = e,
                         .q_len = queries,
                         .k_len = keys.size(0),
                         .window = s.window,
                         .scale = static_cast<float>(s.scale),
                         .softcap = static_cast<float>(s.softcap),
                         .scratch = nullptr,
                         .block = block};
      args.scratch = thread_scratch(table_.attention_scratch_floats(args));
      table_.attention[type](args, first, std::min(first + block, queries));
    }
  });
}

}  // namespace collie::cpu
