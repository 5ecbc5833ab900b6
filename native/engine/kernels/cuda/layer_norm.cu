// LayerNorm: one block a row. Mean first, then squares around it.
#include "engine/kernels/cuda/packs.cuh"

namespace collie::cuda {
namespace {

template <class T, int W>
__global__ void layer_norm_rows(LayerNormArgs a) {
  const int64_t i = blockIdx.x;
  const T* x = static_cast<const T*>(a.x) + i * a.x_stride;
  const T* residual = static_cast<const T*>(a.residual) + i * a.residual_stride;
  const T* weight = static_cast<const T*>(a.weight);
  T* sum = static_cast<T*>(a.sum) + i * a.sum_stride;
  const float width = static_cast<float>(a.dim);
  float total = 0, square = 0, value[W], other[W], bias[W];
  for (int64_t j = threadIdx.x * W; j < a.dim; j += blockDim.x * W) {
    load(x + j, value);
    if (a.residual) {
      load(residual + j, other);
      for (int k = 0; k < W; ++k)
        value[k] = to_float(from_float<T>(value[k] + other[k]));  // the norm sees the sum as it is stored
      store(sum + j, value);
    }
    for (int k = 0; k < W; ++k) total += value[k];
  }
  const T* normed = a.residual ? sum : x;
  const float mean = block_reduce<Sum>(total, 0.f) / width;
  for (int64_t j = threadIdx.x * W; j < a.dim; j += blockDim.x * W) {
    load(normed + j, value);
    for (int k = 0; k < W; ++k) square += (value[k] - mean) * (value[k] - mean);
  }
  const float rstd = rsqrtf(block_reduce<Sum>(square, 0.f) / width + a.eps);
  if (a.rstd && threadIdx.x == 0) {
    a.rstd[i] = rstd;
    a.mean[i] = mean;
  }
  T* y = static_cast<T*>(a.y) + i * a.y_stride;
  for (int64_t j = threadIdx.x * W; j < a.dim; j += blockDim.x * W) {
    load(normed + j, value);
    load(weight + j, other);
    for (int k = 0; k < W; ++k) bias[k] = 0.f;
    if (a.bias) load(a.bias + j, bias);
    for (int k = 0; k < W; ++k) value[k] = (value[k] - mean) * rstd * (a.offset + other[k]) + bias[k];
    store(y + j, value);
  }
}

template <class T, int W>
__global__ void layer_norm_backward_rows(LayerNormBackwardArgs a) {
  const int64_t i = blockIdx.x;
  const T* x = static_cast<const T*>(a.x) + i * a.x_stride;
  const T* dy = static_cast<const T*>(a.dy) + i * a.dy_stride;
  const T* weight = static_cast<const T*>(a.weight);
  T* dx = static_cast<T*>(a.dx) + i * a.dx_stride;
  const float mean = a.mean[i], rstd = a.rstd[i], width = static_cast<float>(a.dim);
  float total = 0, dot = 0, xs[W], gs[W], ws[W], sums[W];
  for (int64_t j = threadIdx.x * W; j < a.dim; j += blockDim.x * W) {
    load(x + j, xs);
    load(dy + j, gs);
    load(weight + j, ws);
    for (int k = 0; k < W; ++k) {
      const float g = gs[k] * (a.offset + ws[k]);
      total += g;
      dot += g * (xs[k] - mean);
    }
  }
  const float shift = block_reduce<Sum>(total, 0.f) / width;
  const float factor = block_reduce<Sum>(dot, 0.f) * rstd * rstd * rstd / width;
  for (int64_t j = threadIdx.x * W; j < a.dim; j += blockDim.x * W) {
    load(x + j, xs);
    load(dy + j, gs);
    load(weight + j, ws);
    load(dx + j, sums);
    for (int k = 0; k < W; ++k) sums[k] += (gs[k] * (a.offset + ws[k]) - shift) * rstd - (xs[k] - mean) * factor;
    store(dx + j, sums);
  }
}

template <class T, int W>
__global__ void layer_norm_weight_partials(LayerNormBackwardArgs a) {
  const int64_t j = (blockIdx.x * static_cast<int64_t>(blockDim.x) + threadIdx.x) * W;
  if (j >= a.dim) return;
  float sums[W] = {}, x[W], dy[W];
  for (int64_t i = blockIdx.y; i < a.rows; i += gridDim.y) {
    load(static_cast<const T*>(a.x) + i * a.x_stride + j, x);
    load(static_cast<const T*>(a.dy) + i * a.dy_stride + j, dy);
    for (int k = 0; k < W; ++k) sums[k] += dy[k] * (x[k] - a.mean[i]) * a.rstd[i];
  }
  store(a.partial + blockIdx.y * a.dim + j, sums);
}

}  // namespace

void layer_norm(const LayerNormArgs& a, cudaStream_t stream) {
  for_storage(a.storage, [&]<class T>() {
    with_packs<T>({a.x, a.residual, a.sum, a.weight, a.bias, a.y},
                  {a.dim, a.x_stride, a.residual_stride, a.sum_stride, a.y_stride},
                  [&]<int W>() { launch(layer_norm_rows<T, W>, static_cast<unsigned>(a.rows), stream, a); });
  });
}

void layer_norm_backward(const LayerNormBackwardArgs& a, cudaStream_t stream) {
  for_storage(a.storage, [&]<class T>() {
    if (a.dweight) {
      with_packs<T>({a.x, a.dy, a.partial}, {a.dim, a.x_stride, a.dy_stride}, [&]<int W>() {
        launch(layer_norm_weight_partials<T, W>, dim3(blocks_for(a.dim / W), kNormPartials), stream, a);
      });
      add_norm_partials(a.partial, a.dweight, a.dim, stream);
    }
    if (!a.dx) return;
    with_packs<T>({a.x, a.dy, a.dx, a.weight}, {a.dim, a.x_stride, a.dy_stride, a.dx_stride},
                  [&]<int W>() { launch(layer_norm_backward_rows<T, W>, static_cast<unsigned>(a.rows), stream, a); });
  });
}

}  // namespace collie::cuda
