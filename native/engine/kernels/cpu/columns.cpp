// Scales and shifts of columns, and sums over them.
#include <ATen/Parallel.h>

#include "engine/kernels/cpu/cpu_kernels.h"

namespace collie::cpu {
namespace {

constexpr int64_t kRowGrain = 16;
constexpr int64_t kColumnGrain = 64;

const float* floats(const at::Tensor& t) { return t.defined() ? t.const_data_ptr<float>() : nullptr; }
size_t index(const at::Tensor& t) { return static_cast<size_t>(storage_of(t)); }
bool fits(const at::Tensor& vector, int64_t cols) {
  return !vector.defined() || (vector.is_contiguous() && vector.numel() == cols);
}

}  // namespace

void CpuKernels::affine_columns(const ColumnAffine& a) {
  const int64_t cols = a.x.size(1);
  TORCH_INTERNAL_ASSERT(a.x.sizes() == a.y.sizes() && a.x.scalar_type() == a.y.scalar_type());
  TORCH_INTERNAL_ASSERT(fits(a.factors, cols) && fits(a.shifts, cols));
  const ColumnAffineArgs args{a.x.const_data_ptr(),
                              floats(a.factors),
                              floats(a.shifts),
                              a.y.mutable_data_ptr(),
                              a.x.stride(0),
                              a.y.stride(0),
                              cols};
  at::parallel_for(0, a.x.size(0), kRowGrain,
                   [&](int64_t b, int64_t e) { table_.affine_columns[index(a.x)](args, b, e); });
}

void CpuKernels::column_sums(const ColumnSums& s) {
  const int64_t cols = s.a.size(1);
  TORCH_INTERNAL_ASSERT(!s.b.defined() || (s.a.sizes() == s.b.sizes() && s.a.scalar_type() == s.b.scalar_type()));
  TORCH_INTERNAL_ASSERT(s.sums.defined() && fits(s.sums, cols) && fits(s.factors, cols));
  const ColumnSumsArgs args{.a = s.a.const_data_ptr(),
                            .b = s.b.defined() ? s.b.const_data_ptr() : nullptr,
                            .factors = floats(s.factors),
                            .sums = s.sums.mutable_data_ptr<float>(),
                            .a_stride = s.a.stride(0),
                            .b_stride = s.b.defined() ? s.b.stride(0) : 0,
                            .rows = s.a.size(0)};
  at::parallel_for(0, cols, kColumnGrain, [&](int64_t b, int64_t e) { table_.column_sums[index(s.a)](args, b, e); });
}

}  // namespace collie::cpu
