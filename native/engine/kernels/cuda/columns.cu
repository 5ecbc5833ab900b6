// Scales and shifts of columns, and sums over them.
#include "engine/kernels/cuda/packs.cuh"

namespace collie::cuda {
namespace {

template <class T, int W>
__global__ void affine_elements(ColumnAffineArgs a, uint32_t packs, Divisor packs_per_row) {
  COLLIE_EACH_PACK(index, packs) {
    const auto [i, j] = place_of<W>(index, packs_per_row);
    float x[W], of_column[W];
    load(static_cast<const T*>(a.x) + i * a.x_stride + j, x);
    if (a.factors) {
      load(a.factors + j, of_column);
      for (int k = 0; k < W; ++k) x[k] *= of_column[k];
    }
    if (a.shifts) {
      load(a.shifts + j, of_column);
      for (int k = 0; k < W; ++k) x[k] += of_column[k];
    }
    store(static_cast<T*>(a.y) + i * a.y_stride + j, x);
  }
}

// Each of kColumnPartials groups of rows sums into its own row of `partial`; the second kernel adds those in order.
template <class T, int W>
__global__ void column_partials(ColumnSumsArgs a) {
  const int64_t j = (blockIdx.x * static_cast<int64_t>(blockDim.x) + threadIdx.x) * W;
  if (j >= a.cols) return;
  float sums[W] = {}, x[W], y[W];
  for (int64_t i = blockIdx.y; i < a.rows; i += gridDim.y) {
    load(static_cast<const T*>(a.a) + i * a.a_stride + j, x);
    if (a.b) load(static_cast<const T*>(a.b) + i * a.b_stride + j, y);
    for (int k = 0; k < W; ++k) sums[k] += a.b ? x[k] * y[k] : x[k];
  }
  store(a.partial + blockIdx.y * a.cols + j, sums);
}

__global__ void add_partials(ColumnSumsArgs a) {
  COLLIE_GRID_STRIDE(j, a.cols) {
    float sum = 0;
    for (int64_t p = 0; p < kColumnPartials; ++p) sum += a.partial[p * a.cols + j];
    a.sums[j] += a.factors ? a.factors[j] * sum : sum;
  }
}

}  // namespace

void affine_columns(const ColumnAffineArgs& a, cudaStream_t stream) {
  for_storage(a.storage, [&]<class T>() {
    with_packs<T>({a.x, a.y, a.factors, a.shifts}, {a.cols, a.x_stride, a.y_stride}, [&]<int W>() {
      const int64_t per_row = a.cols / W;
      const uint32_t packs = packs_in(a.rows, per_row);
      launch(affine_elements<T, W>, blocks_for(packs), stream, a, packs, Divisor(per_row));
    });
  });
}

void column_sums(const ColumnSumsArgs& a, cudaStream_t stream) {
  for_storage(a.storage, [&]<class T>() {
    with_packs<T>({a.a, a.b, a.partial}, {a.cols, a.a_stride, a.b_stride}, [&]<int W>() {
      launch(column_partials<T, W>, dim3(blocks_for(a.cols / W), kColumnPartials), stream, a);
    });
  });
  launch(add_partials, blocks_for(a.cols), stream, a);
}

}  // namespace collie::cuda
