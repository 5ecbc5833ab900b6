// Matrix multiplication on the CPU. Where oneDNN has bf16 instructions (AVX512_BF16, AMX) bf16 goes to it; everything else to
// our blocked loops. On AVX2 (Zen 3) they run bf16 at the speed of MKL's fp32 product and fp32 about as fast as MKL; oneDNN's bf16
// without bf16 instructions is 6-10 times slower.
#include <ATen/Parallel.h>
#include <ATen/ops/mm.h>

#include <algorithm>
#include <atomic>
#include <thread>
#include <vector>

#include "engine/kernels/cpu/cpu_kernels.h"

namespace collie::cpu {
namespace {

constexpr int64_t kPackedFloats = 1 << 19;  // of a panel of B: stays in a third-level cache that others use too
constexpr int64_t kPanels = 3;              // packed at a time: one is read, one is ready, one is written
constexpr int64_t kMaxTerms = 4096;         // of a sum at a time; longer ones go in pieces,
constexpr int64_t kPieceTerms = 1024;       // which leave room for wide panels
constexpr int64_t kNarrowest = 128;         // columns of a panel: each packs the rows of A again

// How often something has happened, for threads that wait until it has happened often enough.
class Count {
 public:
  void add() { count_.fetch_add(1, std::memory_order_release); }
  void wait_for(int64_t wanted) const {
    for (int looks = 0; count_.load(std::memory_order_acquire) < wanted;)
      if (looks < 1000)
        ++looks;
      else
        std::this_thread::yield();
  }

 private:
  std::atomic<int64_t> count_ = 0;
};

// Threads take the next task when they are done with one: a thread that other programs hold up holds up the others by one task only. Which
// thread computes a task changes none of its bits. A task may wait for earlier ones: those have been taken.
template <class Task>
void in_turns(int64_t tasks, const Task& task) {
  std::atomic<int64_t> next = 0;
  at::parallel_for(0, std::min<int64_t>(tasks, at::get_num_threads()), 1, [&](int64_t, int64_t) {
    for (int64_t i = next++; i < tasks; i = next++) task(i);
  });
}

int64_t parts_of(int64_t n, int64_t part) { return (n + part - 1) / part; }

bool rows_adjacent(const at::Tensor& t) { return t.stride(1) == 1; }

}  // namespace

GemmRoute CpuKernels::route(const at::Tensor& a, const at::Tensor& b, const at::Tensor& c, GemmScale scale) const {
  const bool all_bf16 =
      a.scalar_type() == at::kBFloat16 && b.scalar_type() == at::kBFloat16 && c.scalar_type() == at::kBFloat16;
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
  const FewRows product{
      wide, const_matrix(b.t()), matrix(c), rows, k, static_cast<float>(scale.alpha), static_cast<float>(scale.beta)};
  at::parallel_for(0, b.size(1), std::max<int64_t>(1, 32768 / std::max<int64_t>(k, 1)),
                   [&](int64_t begin, int64_t end) { table_.gemv_rows(product, begin, end); });
}

void CpuKernels::own_gemm(const at::Tensor& a, const at::Tensor& b, const at::Tensor& c, GemmScale scale) {
  const int64_t m = a.size(0), n = b.size(1), k = a.size(1);
  // So that what is packed of B stays bounded. What pieces of a sum come to stays in fp32.
  const int64_t terms = k > kMaxTerms ? kPieceTerms : k;
  const bool apart = k > terms && c.scalar_type() != at::kFloat;
  const int64_t at_once = apart ? table_.gemm_blocks.slice : n;
  TORCH_INTERNAL_ASSERT(!apart || scale.beta == 0 || scale.beta == 1);
  for (int64_t col0 = 0; col0 < n; col0 += at_once) {
    const int64_t cols = std::min(at_once, n - col0);
    Matrix out = matrix(c.narrow(1, col0, cols));
    if (apart) out = {sums_.reserve(m * cols), Storage::f32, cols};
    for (int64_t k0 = 0; k0 < k; k0 += terms) {
      const int64_t depth = std::min(terms, k - k0);
      const float first_beta = apart ? 0.f : static_cast<float>(scale.beta);
      multiply({const_matrix(a.narrow(1, k0, depth)), const_matrix(b.narrow(0, k0, depth).narrow(1, col0, cols)), out,
                m, cols, depth, static_cast<float>(scale.alpha), k0 == 0 ? first_beta : 1.f});
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

// Panels of B are packed and multiplied in one list of tasks: pack 0, pack 1, multiply 0, pack 2, multiply 1, ... A task finds what it
// needs done long ago, unless a thread is held up; threads meet once, at the end.
void CpuKernels::multiply(const Product& p) {
  const GemmBlocks& blocks = table_.gemm_blocks;
  const int64_t fitting = std::max(kNarrowest, kPackedFloats / std::max<int64_t>(p.k, 1)) / blocks.nr * blocks.nr;
  const int64_t width = std::min({fitting, blocks.slice, parts_of(p.cols, blocks.nr) * blocks.nr});
  const int64_t panels = parts_of(p.cols, width);
  // Of a panel: pieces to pack, and tiles of the product, smaller ones where there are few.
  const int64_t piece = std::max<int64_t>(1, 16384 / (blocks.nr * std::max<int64_t>(p.k, 1))) * blocks.nr;
  const int64_t pieces = parts_of(width, piece);
  const int64_t part = parts_of(parts_of(p.m, parts_of(p.m, blocks.mc)), blocks.mr) * blocks.mr,
                parts = parts_of(p.m, part);
  int64_t slice = width;
  while (panels * parts * parts_of(width, slice) < 4 * at::get_num_threads() && slice > 2 * blocks.nr)
    slice = parts_of(slice / 2, blocks.nr) * blocks.nr;
  const int64_t slices = parts_of(width, slice), tiles = parts * slices;

  // All memory comes before the tasks: one that could not have it would leave the others waiting.
  float* packed = packed_b_.reserve(std::min(panels, kPanels) * width * p.k);
  for (Scratch& scratch : threads_) scratch.reserve(table_.gemm_scratch_floats());
  std::vector<Count> packed_pieces(static_cast<size_t>(panels)), done_tiles(static_cast<size_t>(panels));
  const auto cols_of = [&](int64_t panel) { return std::min(width, p.cols - panel * width); };
  const auto padded = [&](int64_t panel) { return parts_of(cols_of(panel), blocks.nr) * blocks.nr; };
  const auto buffer = [&](int64_t panel) { return packed + panel % kPanels * width * p.k; };
  const auto pack = [&](int64_t panel, int64_t i) {
    if (panel >= kPanels) done_tiles[static_cast<size_t>(panel - kPanels)].wait_for(tiles);
    const int64_t first = i * piece, last = std::min(first + piece, cols_of(panel));
    if (first < last) table_.pack_b(p.b, p.k, panel * width + first, last - first, first, padded(panel), buffer(panel));
    packed_pieces[static_cast<size_t>(panel)].add();
  };
  const auto tile = [&](int64_t panel, int64_t i) {
    packed_pieces[static_cast<size_t>(panel)].wait_for(pieces);
    const int64_t row0 = i / slices * part, col0 = i % slices * slice;
    if (col0 < cols_of(panel)) {
      Matrix c = p.c;
      c.data = static_cast<char*>(c.data) + panel * width * (c.storage == Storage::f32 ? 4 : 2);
      table_.gemm_task({.a = p.a,
                        .packed_b = buffer(panel),
                        .c = c,
                        .row0 = row0,
                        .rows = std::min(part, p.m - row0),
                        .col0 = col0,
                        .cols = std::min(slice, cols_of(panel) - col0),
                        .n_packed = padded(panel),
                        .k = p.k,
                        .alpha = p.alpha,
                        .beta = p.beta,
                        .scratch = thread_scratch(table_.gemm_scratch_floats())});
    }
    done_tiles[static_cast<size_t>(panel)].add();
  };
  in_turns(panels * (pieces + tiles), [&](int64_t i) {
    if (i < pieces) return pack(0, i);
    const int64_t panel = (i - pieces) / (pieces + tiles), at = (i - pieces) % (pieces + tiles);
    if (panel + 1 == panels) return tile(panel, at);
    at < pieces ? pack(panel + 1, at) : tile(panel, at - pieces);
  });
}

}  // namespace collie::cpu
