// Row-wise kernels: norm, rotary embedding, gated activation. One block a row, or one thread an element.
#include "engine/kernels/cuda/device.cuh"

namespace collie::cuda {
namespace {

template <class T>
__global__ void rms_norm_rows(NormArgs a) {
  const int64_t i = blockIdx.x;
  const T* x = static_cast<const T*>(a.x) + i * a.x_stride;
  const T* weight = static_cast<const T*>(a.weight);
  T* sum = static_cast<T*>(a.sum) + i * a.sum_stride;
  float square = 0;
  for (int64_t j = threadIdx.x; j < a.dim; j += blockDim.x) {
    float value = to_float(x[j]);
    if (a.residual) {
      sum[j] = from_float<T>(value + to_float(static_cast<const T*>(a.residual)[i * a.residual_stride + j]));
      value = to_float(sum[j]);  // the norm sees the sum as it is stored
    }
    square += value * value;
  }
  const float rstd = rsqrtf(block_reduce<Sum>(square, 0.f) / static_cast<float>(a.dim) + a.eps);
  if (a.rstd && threadIdx.x == 0) a.rstd[i] = rstd;
  const T* normed = a.residual ? sum : x;
  T* y = static_cast<T*>(a.y) + i * a.y_stride;
  for (int64_t j = threadIdx.x; j < a.dim; j += blockDim.x)
    y[j] = from_float<T>(to_float(normed[j]) * rstd * to_float(weight[j]));
}

template <class T>
__global__ void rms_norm_backward_rows(NormBackwardArgs a) {
  const int64_t i = blockIdx.x;
  const T* x = static_cast<const T*>(a.x) + i * a.x_stride;
  const T* dy = static_cast<const T*>(a.dy) + i * a.dy_stride;
  const T* weight = static_cast<const T*>(a.weight);
  T* dx = static_cast<T*>(a.dx) + i * a.dx_stride;
  float dot = 0;
  for (int64_t j = threadIdx.x; j < a.dim; j += blockDim.x) dot += to_float(dy[j]) * to_float(weight[j]) * to_float(x[j]);
  const float rstd = a.rstd[i];
  const float k = block_reduce<Sum>(dot, 0.f) * rstd * rstd * rstd / static_cast<float>(a.dim);
  for (int64_t j = threadIdx.x; j < a.dim; j += blockDim.x) {
    const float g = to_float(dy[j]) * to_float(weight[j]) * rstd - to_float(x[j]) * k;
    dx[j] = from_float<T>(to_float(dx[j]) + g);
  }
}

// Each of kNormPartials groups of rows sums into its own row of `partial`; the second kernel adds those in order.
template <class T>
__global__ void norm_weight_partials(NormBackwardArgs a) {
  const int64_t j = blockIdx.x * static_cast<int64_t>(blockDim.x) + threadIdx.x;
  if (j >= a.dim) return;
  float sum = 0;
  for (int64_t i = blockIdx.y; i < a.rows; i += gridDim.y)
    sum += to_float(static_cast<const T*>(a.dy)[i * a.dy_stride + j]) * to_float(static_cast<const T*>(a.x)[i * a.x_stride + j]) *
           a.rstd[i];
  a.partial[blockIdx.y * a.dim + j] = sum;
}

__global__ void norm_weight_sum(const float* partial, float* dweight, int64_t dim) {
  COLLIE_GRID_STRIDE(j, dim) {
    float sum = 0;
    for (int64_t p = 0; p < kNormPartials; ++p) sum += partial[p * dim + j];
    dweight[j] += sum;
  }
}

template <class T>
__global__ void rotary_pairs(RotaryArgs a) {
  const int64_t half = a.head_dim / 2, pairs = a.heads * half;
  COLLIE_GRID_STRIDE(index, a.rows * pairs) {
    const int64_t i = index / pairs, head = index % pairs / half, j = index % half;
    const int64_t angle = a.positions[i] * half + j;
    T* lo = static_cast<T*>(a.x) + i * a.x_stride + head * a.head_dim + j;
    T* hi = lo + half;
    const float x = to_float(*lo), y = to_float(*hi), c = a.cos[angle], s = a.sin[angle] * a.sign;
    *lo = from_float<T>(x * c - y * s);
    *hi = from_float<T>(y * c + x * s);
  }
}

__device__ float sigmoid(float x) { return 1.f / (1.f + __expf(-x)); }

template <class T>
__global__ void swiglu_elements(SwigluArgs a) {
  COLLIE_GRID_STRIDE(index, a.rows * a.dim) {
    const int64_t i = index / a.dim, j = index % a.dim;
    const T* gate = static_cast<const T*>(a.gate_up) + i * a.gate_up_stride + j;
    const float g = to_float(*gate);
    static_cast<T*>(a.y)[i * a.y_stride + j] = from_float<T>(g * sigmoid(g) * to_float(gate[a.dim]));
  }
}

template <class T>
__global__ void swiglu_backward_elements(SwigluArgs a) {
  COLLIE_GRID_STRIDE(index, a.rows * a.dim) {
    const int64_t i = index / a.dim, j = index % a.dim;
    T* gate = static_cast<T*>(a.gate_up) + i * a.gate_up_stride + j;
    T* up = gate + a.dim;
    const float g = to_float(*gate), u = to_float(*up), s = sigmoid(g);
    const float d = to_float(static_cast<const T*>(a.y)[i * a.y_stride + j]);
    *up = from_float<T>(d * g * s);
    *gate = from_float<T>(d * u * s * (1.f + g * (1.f - s)));
  }
}

}  // namespace

void rms_norm(const NormArgs& a, cudaStream_t stream) {
  for_storage(a.storage, [&]<class T>() { launch(rms_norm_rows<T>, static_cast<unsigned>(a.rows), stream, a); });
}

void rms_norm_backward(const NormBackwardArgs& a, cudaStream_t stream) {
  for_storage(a.storage, [&]<class T>() {
    if (a.dweight) {
      const dim3 grid(blocks_for(a.dim), kNormPartials);
      launch(norm_weight_partials<T>, grid, stream, a);
      launch(norm_weight_sum, blocks_for(a.dim), stream, a.partial, a.dweight, a.dim);
    }
    if (a.dx) launch(rms_norm_backward_rows<T>, static_cast<unsigned>(a.rows), stream, a);
  });
}

void rotary(const RotaryArgs& a, cudaStream_t stream) {
  const unsigned blocks = blocks_for(a.rows * a.heads * a.head_dim / 2);
  for_storage(a.storage, [&]<class T>() { launch(rotary_pairs<T>, blocks, stream, a); });
}

void swiglu(const SwigluArgs& a, cudaStream_t stream) {
  for_storage(a.storage, [&]<class T>() { launch(swiglu_elements<T>, blocks_for(a.rows * a.dim), stream, a); });
}

void swiglu_backward(const SwigluArgs& a, cudaStream_t stream) {
  for_storage(a.storage,
              [&]<class T>() { launch(swiglu_backward_elements<T>, blocks_for(a.rows * a.dim), stream, a); });
}

}  // namespace collie::cuda
