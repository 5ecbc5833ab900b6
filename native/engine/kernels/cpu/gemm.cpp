// Matrix multiplication on the CPU. Where oneDNN has bf16 instructions (AVX512_BF16, AMX) bf16 goes to it; everything else to
// our blocked loops. On AVX2 (Zen 3) they run bf16 at the speed of MKL's fp32 product and fp32 about as fast as MKL; oneDNN's bf16
// without bf16 instructions is 6-10 times slower.
#include <ATen/Parallel.h>
#include <ATen/ops/mm.h>

#include <algorithm>
#include <atomic>

#include "engine/kernels/cpu/cpu_kernels.h"

namespace collie::cpu {
namespace {

constexpr int64_t kFewRows = 8;             // decoding: one pass over the weights, nothing packed
constexpr int64_t kPackedFloats = 2 << 20;  // of B at a time: stays in the third-level cache
constexpr int64_t kMaxTerms = 4096;          // of a sum at a time

// Threads take the next task when they are done with one: a thread that other programs hold up holds up the others by one task only. Which
// thread computes a task changes none of its bits.
template <class Task>
void in_turns(int64_t tasks, const Task& task) {
  std::atomic<int64_t> next = 0;
  at::parallel_for(0, std::min<int64_t>(tasks, at::get_num_threads()), 1, [&](int64_t, int64_t) {
    for (int64_t i = next++; i < tasks; i = next++) task(i);
  });
}

bool rows_adjacent(const at::Tensor& t) { return t.stride(1) == 1; }

}  // namespace

GemmRoute CpuKernels::route(const at::Tensor& a, const at::Tensor& b, const at::Tensor& c, GemmScale scale) const {
  const bool all_bf16 = a.scalar_type() == at::kBFloat16 && b.scalar_type() == at::kBFloat16 && c.scalar_type() == at::kBFloat16;
  return native_bf16_ && all_bf16 && scale.alpha == 1 && scale.beta == 0 ? GemmRoute::library : GemmRoute::own;
}

void CpuKernels::gemm(const at::Tensor& a, const at::Tensor& b, const at::Tensor& c, GemmScale scale) {
  TORCH_INTERNAL_ASSERT(a.dim() == 2 && b.dim() == 2 && c.dim() == 2 && a.size(1) == b.size(0) &&
                        c.size(0) == a.size(0) && c.size(1) == b.size(1) && c.stride(1) == 1);
  if (c.numel() == 0) return;
  if (a.size(0) <= kFewRows && rows_adjacent(a) && b.stride(0) == 1) return few_rows(a, b, c, scale);
  if (route(a, b, c, scale) == GemmRoute::library) {
    at::Tensor out = c;
    at::mm_out(out, a, b);
    return;
  }
  own_gemm(a, b, c, scale);
}

void CpuKernels::few_rows(const at::Tensor& a, const at::Tensor& b, const at::Tensor& c, GemmScale scale) {
  const ConstMatrix x = const_matrix(a);
  const int64_t rows = a.size(0), k = a.size(1);
  float* wide = packed_b_.reserve(rows * k);
  const int64_t row_bytes = x.row_stride * static_cast<int64_t>(a.element_size());
  for (int64_t i = 0; i < rows; ++i)
    table_.convert(static_cast<const char*>(x.data) + i * row_bytes, x.storage, wide + i * k, Storage::f32, 1.f, k);
  const FewRows product{wide, const_matrix(b.t()), matrix(c), rows, k, static_cast<float>(scale.alpha), static_cast<float>(scale.beta)};
  at::parallel_for(0, b.size(1), std::max<int64_t>(1, 32768 / std::max<int64_t>(k, 1)),
                   [&](int64_t begin, int64_t end) { table_.gemv_rows(product, begin, end); });
}

void CpuKernels::own_gemm(const at::Tensor& a, const at::Tensor& b, const at::Tensor& c, GemmScale scale) {
  const GemmBlocks& blocks = table_.gemm_blocks;
  const int64_t m = a.size(0), n = b.size(1), k = a.size(1);
  // Long sums go in pieces, so that what is packed of B stays bounded; their intermediate results stay in fp32.
  const int64_t terms = std::min(k, kMaxTerms);
  const int64_t panel_cols = std::max(blocks.slice, kPackedFloats / std::max<int64_t>(terms, 1) / blocks.slice * blocks.slice);
  const bool apart = k > terms && c.scalar_type() != at::kFloat;
  TORCH_INTERNAL_ASSERT(!apart || scale.beta == 0 || scale.beta == 1);
  for (int64_t col0 = 0; col0 < n; col0 += panel_cols) {
    const int64_t cols = std::min(panel_cols, n - col0);
    Matrix out = matrix(c.narrow(1, col0, cols));
    if (apart) out = {sums_.reserve(m * cols), Storage::f32, cols};
    for (int64_t k0 = 0; k0 < k; k0 += terms) {
      const int64_t depth = std::min(terms, k - k0);
      const float first_beta = apart ? 0.f : static_cast<float>(scale.beta);
      gemm_panel({const_matrix(a.narrow(1, k0, depth)), const_matrix(b.narrow(0, k0, depth).narrow(1, col0, cols)), out, m, cols,
                  depth, static_cast<float>(scale.alpha), k0 == 0 ? first_beta : 1.f});
    }
    if (apart) store_sums(c.narrow(1, col0, cols), scale.beta);
  }
}

void CpuKernels::store_sums(const at::Tensor& c, double beta) {
  const int64_t cols = c.size(1);
  const Matrix out = matrix(c);
  const float* sums = sums_.reserve(0);
  at::parallel_for(0, c.size(0), 16, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      void* row = static_cast<char*>(out.data) + i * out.row_stride * static_cast<int64_t>(c.element_size());
      if (beta == 0)
        table_.convert(sums + i * cols, Storage::f32, row, out.storage, 1.f, cols);
      else
        table_.add(sums + i * cols, Storage::f32, row, out.storage, cols);
    }
  });
}

void CpuKernels::gemm_panel(const Panel& p) {
  const GemmBlocks& blocks = table_.gemm_blocks;
  const int64_t threads = at::get_num_threads();
  const int64_t panels = (p.cols + blocks.nr - 1) / blocks.nr, n_packed = panels * blocks.nr;
  float* packed = packed_b_.reserve(n_packed * p.k);
  const int64_t grain = std::max<int64_t>(1, 16384 / (blocks.nr * std::max<int64_t>(p.k, 1)));
  in_turns((panels + grain - 1) / grain, [&](int64_t i) {
    const int64_t first = i * grain * blocks.nr, last = std::min(first + grain * blocks.nr, p.cols);
    table_.pack_b(p.b, p.k, first, last - first, first, n_packed, packed);
  });
  // Rows in equal parts, a multiple of the threads where there are enough; else columns are split further.
  int64_t parts = (p.m + blocks.mc - 1) / blocks.mc;
  if (p.m >= threads * blocks.mr) parts = (parts + threads - 1) / threads * threads;
  const int64_t part = ((p.m + parts - 1) / parts + blocks.mr - 1) / blocks.mr * blocks.mr;
  parts = (p.m + part - 1) / part;
  int64_t slice = blocks.slice;
  while (parts * ((p.cols + slice - 1) / slice) < threads && slice > blocks.nr)
    slice = std::max(blocks.nr, slice / 2 / blocks.nr * blocks.nr);
  const int64_t slices = (p.cols + slice - 1) / slice;
  in_turns(parts * slices, [&](int64_t i) {
    const int64_t row0 = i / slices * part, col0 = i % slices * slice;
    table_.gemm_task({.a = p.a, .packed_b = packed, .c = p.c, .row0 = row0, .rows = std::min(part, p.m - row0), .col0 = col0,
                      .cols = std::min(slice, p.cols - col0), .n_packed = n_packed, .k = p.k, .alpha = p.alpha,
                      .beta = p.beta, .scratch = thread_scratch(table_.gemm_scratch_floats())});
  });
}

}  // namespace collie::cpu
