// Matrix multiplication on the CPU. Where oneDNN has bf16 instructions (AVX512_BF16, AMX) bf16 goes to it; everything else to
// our blocked loops, which were measured faster than MKL on AVX2 (Zen 3, 2 threads: see docs/benchmarks.md).
#include <ATen/Parallel.h>
#include <ATen/ops/mm.h>

#include <algorithm>

#include "engine/kernels/cpu/cpu_kernels.h"

namespace collie::cpu {
namespace {

constexpr int64_t kFewRows = 8;              // decoding: memory-bound, one pass over the weights
constexpr int64_t kPackedFloats = 2 << 20;  // of B at a time: stays in the third-level cache

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
  const bool one_pass = a.size(0) <= kFewRows && rows_adjacent(a) && b.stride(0) == 1 && a.scalar_type() == b.scalar_type() &&
                        (a.scalar_type() == at::kBFloat16 || c.scalar_type() == at::kFloat);
  if (one_pass) return few_rows(a, b, c, scale);
  if (route(a, b, c, scale) == GemmRoute::library) {
    at::Tensor out = c;
    at::mm_out(out, a, b);
    return;
  }
  own_gemm(a, b, c, scale);
}

void CpuKernels::few_rows(const at::Tensor& a, const at::Tensor& b, const at::Tensor& c, GemmScale scale) {
  const ConstMatrix x = const_matrix(a), w = const_matrix(b.t());
  const Matrix y = matrix(c);
  const int64_t k = a.size(1);
  at::parallel_for(0, b.size(1), std::max<int64_t>(1, 32768 / std::max<int64_t>(k, 1)), [&](int64_t begin, int64_t end) {
    table_.gemv_rows(x, a.size(0), k, w, y, static_cast<float>(scale.alpha), static_cast<float>(scale.beta), begin, end);
  });
}

void CpuKernels::own_gemm(const at::Tensor& a, const at::Tensor& b, const at::Tensor& c, GemmScale scale) {
  const GemmBlocks& blocks = table_.gemm_blocks;
  const int64_t m = a.size(0), n = b.size(1), k = a.size(1), threads = at::get_num_threads();
  const ConstMatrix b_matrix = const_matrix(b);
  const int64_t panel_cols = std::max(blocks.slice, kPackedFloats / std::max<int64_t>(k, 1) / blocks.slice * blocks.slice);
  // Rows in equal parts, a multiple of the threads where there are enough.
  int64_t parts = (m + blocks.mc - 1) / blocks.mc;
  if (m >= threads * blocks.mr) parts = (parts + threads - 1) / threads * threads;
  const int64_t part = ((m + parts - 1) / parts + blocks.mr - 1) / blocks.mr * blocks.mr;
  parts = (m + part - 1) / part;

  for (int64_t col0 = 0; col0 < n; col0 += panel_cols) {
    const int64_t cols = std::min(panel_cols, n - col0);
    const int64_t panels = (cols + blocks.nr - 1) / blocks.nr, n_packed = panels * blocks.nr;
    float* packed = packed_b_.reserve(n_packed * k);
    at::parallel_for(0, panels, std::max<int64_t>(1, 16384 / (blocks.nr * std::max<int64_t>(k, 1))), [&](int64_t begin, int64_t end) {
      const int64_t first = begin * blocks.nr, last = std::min(end * blocks.nr, cols);
      table_.pack_b(b_matrix, k, col0 + first, last - first, first, n_packed, packed);
    });
    // Fewer row parts than threads: columns are split further.
    int64_t slice = blocks.slice;
    while (parts * ((cols + slice - 1) / slice) < threads && slice > blocks.nr) slice = std::max(blocks.nr, slice / 2 / blocks.nr * blocks.nr);
    const int64_t slices = (cols + slice - 1) / slice;
    at::parallel_for(0, parts * slices, 1, [&](int64_t begin, int64_t end) {
      float* scratch = thread_scratch(table_.gemm_scratch_floats());
      for (int64_t i = begin; i < end; ++i) {
        const int64_t row0 = i / slices * part, slice0 = i % slices * slice;
        table_.gemm_task({.a = const_matrix(a), .packed_b = packed, .c = matrix(c), .row0 = row0,
                          .rows = std::min(part, m - row0), .col0 = slice0, .cols = std::min(slice, cols - slice0),
                          .c_col0 = col0, .n_packed = n_packed, .k = k, .alpha = static_cast<float>(scale.alpha),
                          .beta = static_cast<float>(scale.beta), .scratch = scratch});
      }
    });
  }
}

}  // namespace collie::cpu
