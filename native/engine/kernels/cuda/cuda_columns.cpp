// Scales and shifts of columns, and sums over them.
#include <ATen/ops/empty.h>

#include "engine/kernels/cuda/cuda_kernels.h"
#include "engine/kernels/cuda/tensors.h"

namespace collie::cuda {

void CudaKernels::affine_columns(const ColumnAffine& a) {
  const ColumnAffineArgs args{storage_of(a.x),          data(a.x),   data_as<float>(a.factors),
                              data_as<float>(a.shifts), data(a.y),   row_stride(a.x),
                              row_stride(a.y),          a.x.size(0), a.x.size(1)};
  run_on(a.x, [&](cudaStream_t stream) { cuda::affine_columns(args, stream); });
}

void CudaKernels::column_sums(const ColumnSums& s) {
  const int64_t cols = s.a.size(1), needed = kColumnPartials * cols;
  if (!column_partial_.defined() || column_partial_.numel() < needed)
    column_partial_ = at::empty({needed}, at::TensorOptions().dtype(at::kFloat).device(s.a.device()));
  const ColumnSumsArgs args{storage_of(s.a),
                            data(s.a),
                            data(s.b),
                            data_as<float>(s.factors),
                            data_as<float>(s.sums),
                            data_as<float>(column_partial_),
                            row_stride(s.a),
                            row_stride(s.b),
                            s.a.size(0),
                            cols};
  run_on(s.a, [&](cudaStream_t stream) { cuda::column_sums(args, stream); });
}

}  // namespace collie::cuda
