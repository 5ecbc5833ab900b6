// Rows that are looked up, gathered, scattered, converted or added.
#include <ATen/Parallel.h>

#include <cstring>

#include "engine/kernels/cpu/cpu_kernels.h"

namespace collie::cpu {
namespace {

constexpr int64_t kRowGrain = 16;
constexpr int64_t kElementGrain = 1 << 14;

struct RowBytes {
  char* data;
  int64_t stride;
};
RowBytes row_bytes(const at::Tensor& t) {
  return {static_cast<char*>(const_cast<void*>(t.const_data_ptr())),
          t.stride(0) * static_cast<int64_t>(t.element_size())};
}

enum class Move { gather, scatter };

void move_rows(const at::Tensor& from, const at::Tensor& index, const at::Tensor& to, Move move) {
  TORCH_INTERNAL_ASSERT(from.scalar_type() == to.scalar_type() && from.size(1) == to.size(1));
  const RowBytes src = row_bytes(from), dst = row_bytes(to);
  const int32_t* rows = index.const_data_ptr<int32_t>();
  const size_t bytes = static_cast<size_t>(from.size(1)) * from.element_size();
  at::parallel_for(0, index.size(0), kRowGrain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t s = move == Move::gather ? rows[i] : i, d = move == Move::gather ? i : rows[i];
      if (s < 0)
        std::memset(dst.data + d * dst.stride, 0, bytes);
      else
        std::memcpy(dst.data + d * dst.stride, src.data + s * src.stride, bytes);
    }
  });
}

}  // namespace

void CpuKernels::embedding(const at::Tensor& ids, const at::Tensor& table, const at::Tensor& out) {
  move_rows(table, ids, out, Move::gather);
}

void CpuKernels::gather_rows(const at::Tensor& x, const at::Tensor& rows, const at::Tensor& out) {
  move_rows(x, rows, out, Move::gather);
}

void CpuKernels::scatter_rows(const at::Tensor& x, const at::Tensor& rows, const at::Tensor& out) {
  move_rows(x, rows, out, Move::scatter);
}

void CpuKernels::embedding_backward(const at::Tensor& ids, const at::Tensor& dout, const at::Tensor& dtable) {
  const int32_t* id = ids.const_data_ptr<int32_t>();
  const RowBytes src = row_bytes(dout);
  float* table = dtable.mutable_data_ptr<float>();
  const int64_t dim = dtable.size(1), element = static_cast<int64_t>(dout.element_size());
  const Storage storage = storage_of(dout);
  // Threads own columns, not rows: equal ids are added in the order of the tokens whatever the number of threads.
  at::parallel_for(0, dim, 64, [&](int64_t begin, int64_t end) {
    for (int64_t i = 0; i < ids.size(0); ++i)
      if (id[i] >= 0)
        table_.add(src.data + i * src.stride + begin * element, storage, table + id[i] * dim + begin, Storage::f32,
                   end - begin);
  });
}

void CpuKernels::copy(const at::Tensor& src, const at::Tensor& dst, double scale) {
  TORCH_INTERNAL_ASSERT(src.sizes() == dst.sizes() && src.dim() <= 2);
  const Storage from = storage_of(src), to = storage_of(dst);
  const float factor = static_cast<float>(scale);
  if (src.is_contiguous() && dst.is_contiguous()) {
    const char* s = static_cast<const char*>(src.const_data_ptr());
    char* d = static_cast<char*>(dst.mutable_data_ptr());
    const int64_t se = static_cast<int64_t>(src.element_size()), de = static_cast<int64_t>(dst.element_size());
    at::parallel_for(0, src.numel(), kElementGrain, [&](int64_t begin, int64_t end) {
      table_.convert(s + begin * se, from, d + begin * de, to, factor, end - begin);
    });
    return;
  }
  TORCH_INTERNAL_ASSERT(src.dim() == 2 && src.stride(1) == 1 && dst.stride(1) == 1);
  const RowBytes s = row_bytes(src), d = row_bytes(dst);
  at::parallel_for(0, src.size(0), kRowGrain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      table_.convert(s.data + i * s.stride, from, d.data + i * d.stride, to, factor, src.size(1));
  });
}

void CpuKernels::add(const at::Tensor& src, const at::Tensor& dst) {
  TORCH_INTERNAL_ASSERT(src.sizes() == dst.sizes() && src.dim() == 2 && src.stride(1) == 1 && dst.stride(1) == 1);
  const RowBytes s = row_bytes(src), d = row_bytes(dst);
  const Storage from = storage_of(src), to = storage_of(dst);
  at::parallel_for(0, src.size(0), kRowGrain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i)
      table_.add(s.data + i * s.stride, from, d.data + i * d.stride, to, src.size(1));
  });
}

}  // namespace collie::cpu
