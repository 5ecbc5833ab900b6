// Row-wise kernels: norm, rotary embedding, gated activation. One block a row, or one thread a pack of elements.
#include "engine/kernels/cuda/packs.cuh"

namespace collie::cuda {
namespace {

template <class T, int W>
__global__ void rms_norm_rows(NormArgs a) {
  const int64_t i = blockIdx.x;
  const T* x = static_cast<const T*>(a.x) + i * a.x_stride;
  const T* residual = static_cast<const T*>(a.residual) + i * a.residual_stride;
  const T* weight = static_cast<const T*>(a.weight);
  T* sum = static_cast<T*>(a.sum) + i * a.sum_stride;
  float square = 0, value[W], other[W];
  for (int64_t j = threadIdx.x * W; j < a.dim; j += blockDim.x * W) {
    load(x + j, value);
    if (a.residual) {
      load(residual + j, other);
      for (int k = 0; k < W; ++k) value[k] = to_float(from_float<T>(value[k] + other[k]));  // the norm sees the sum as it is stored
      store(sum + j, value);
    }
    for (int k = 0; k < W; ++k) square += value[k] * value[k];
  }
  const float rstd = rsqrtf(block_reduce<Sum>(square, 0.f) / static_cast<float>(a.dim) + a.eps);
  if (a.rstd && threadIdx.x == 0) a.rstd[i] = rstd;
  const T* normed = a.residual ? sum : x;
  T* y = static_cast<T*>(a.y) + i * a.y_stride;
  for (int64_t j = threadIdx.x * W; j < a.dim; j += blockDim.x * W) {
    load(normed + j, value);
    load(weight + j, other);
    for (int k = 0; k < W; ++k) value[k] = value[k] * rstd * other[k];
    store(y + j, value);
  }
}

template <class T, int W>
__global__ void rms_norm_backward_rows(NormBackwardArgs a) {
  const int64_t i = blockIdx.x;
  const T* x = static_cast<const T*>(a.x) + i * a.x_stride;
  const T* dy = static_cast<const T*>(a.dy) + i * a.dy_stride;
  const T* weight = static_cast<const T*>(a.weight);
  T* dx = static_cast<T*>(a.dx) + i * a.dx_stride;
  float dot = 0, xs[W], gs[W], ws[W], sums[W];
  for (int64_t j = threadIdx.x * W; j < a.dim; j += blockDim.x * W) {
    load(x + j, xs);
    load(dy + j, gs);
    load(weight + j, ws);
    for (int k = 0; k < W; ++k) dot += gs[k] * ws[k] * xs[k];
  }
  const float rstd = a.rstd[i];
  const float factor = block_reduce<Sum>(dot, 0.f) * rstd * rstd * rstd / static_cast<float>(a.dim);
  for (int64_t j = threadIdx.x * W; j < a.dim; j += blockDim.x * W) {
    load(x + j, xs);
    load(dy + j, gs);
    load(weight + j, ws);
    load(dx + j, sums);
    for (int k = 0; k < W; ++k) sums[k] += gs[k] * ws[k] * rstd - xs[k] * factor;
    store(dx + j, sums);
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

// Element j of the first half of a head turns with element j of the second.
template <class T, int W>
__global__ void rotary_pairs(RotaryArgs a, uint32_t packs, uint32_t packs_per_head) {
  const int64_t half = a.head_dim / 2;
  COLLIE_EACH_PACK(index, packs) {
    const auto [row_and_head, j] = place_of<W>(index, packs_per_head);
    const auto [i, head] = place_of<1>(static_cast<uint32_t>(row_and_head), static_cast<uint32_t>(a.heads));
    const int64_t angle = a.positions[i] * half + j;
    T* lo = static_cast<T*>(a.x) + i * a.x_stride + head * a.head_dim + j;
    float x[W], y[W], c[W], s[W];
    load(lo, x);
    load(lo + half, y);
    load(a.cos + angle, c);
    load(a.sin + angle, s);
    for (int k = 0; k < W; ++k) {
      const float before = x[k];
      s[k] *= a.sign;
      x[k] = before * c[k] - y[k] * s[k];
      y[k] = y[k] * c[k] + before * s[k];
    }
    store(lo, x);
    store(lo + half, y);
  }
}

__device__ float sigmoid(float x) { return 1.f / (1.f + __expf(-x)); }

template <class T, int W>
__global__ void swiglu_elements(SwigluArgs a, uint32_t packs, uint32_t packs_per_row) {
  COLLIE_EACH_PACK(index, packs) {
    const auto [i, j] = place_of<W>(index, packs_per_row);
    const T* gate = static_cast<const T*>(a.gate_up) + i * a.gate_up_stride + j;
    float g[W], u[W];
    load(gate, g);
    load(gate + a.dim, u);
    for (int k = 0; k < W; ++k) g[k] = g[k] * sigmoid(g[k]) * u[k];
    store(static_cast<T*>(a.y) + i * a.y_stride + j, g);
  }
}

template <class T, int W>
__global__ void swiglu_backward_elements(SwigluArgs a, uint32_t packs, uint32_t packs_per_row) {
  COLLIE_EACH_PACK(index, packs) {
    const auto [i, j] = place_of<W>(index, packs_per_row);
    T* gate = static_cast<T*>(a.gate_up) + i * a.gate_up_stride + j;
    float g[W], u[W], d[W];
    load(gate, g);
    load(gate + a.dim, u);
    load(static_cast<const T*>(a.y) + i * a.y_stride + j, d);
    for (int k = 0; k < W; ++k) {
      const float s = sigmoid(g[k]), up = d[k] * g[k] * s;
      g[k] = d[k] * u[k] * s * (1.f + g[k] * (1.f - s));
      u[k] = up;
    }
    store(gate, g);
    store(gate + a.dim, u);
  }
}

}  // namespace

void rms_norm(const NormArgs& a, cudaStream_t stream) {
  for_storage(a.storage, [&]<class T>() {
    with_packs<T>({a.x, a.residual, a.sum, a.weight, a.y}, {a.dim, a.x_stride, a.residual_stride, a.sum_stride, a.y_stride},
                  [&]<int W>() { launch(rms_norm_rows<T, W>, static_cast<unsigned>(a.rows), stream, a); });
  });
}

void rms_norm_backward(const NormBackwardArgs& a, cudaStream_t stream) {
  for_storage(a.storage, [&]<class T>() {
    if (a.dweight) {
      const dim3 grid(blocks_for(a.dim), kNormPartials);
      launch(norm_weight_partials<T>, grid, stream, a);
      launch(norm_weight_sum, blocks_for(a.dim), stream, a.partial, a.dweight, a.dim);
    }
    if (!a.dx) return;
    with_packs<T>({a.x, a.dy, a.dx, a.weight}, {a.dim, a.x_stride, a.dy_stride, a.dx_stride},
                  [&]<int W>() { launch(rms_norm_backward_rows<T, W>, static_cast<unsigned>(a.rows), stream, a); });
  });
}

void rotary(const RotaryArgs& a, cudaStream_t stream) {
  for_storage(a.storage, [&]<class T>() {
    with_packs<T>({a.x, a.cos, a.sin}, {a.x_stride, a.head_dim / 2}, [&]<int W>() {
      const auto per_head = static_cast<uint32_t>(a.head_dim / 2 / W), packs = packs_in(a.rows * a.heads, per_head);
      launch(rotary_pairs<T, W>, blocks_for(packs), stream, a, packs, per_head);
    });
  });
}

namespace {

// swiglu and its gradient go over the same elements.
template <class T, class Launch>
void for_swiglu_packs(const SwigluArgs& a, Launch launch_packs) {
  with_packs<T>({a.gate_up, a.y}, {a.dim, a.gate_up_stride, a.y_stride}, [&]<int W>() {
    const auto per_row = static_cast<uint32_t>(a.dim / W);
    launch_packs.template operator()<W>(packs_in(a.rows, per_row), per_row);
  });
}

}  // namespace

void swiglu(const SwigluArgs& a, cudaStream_t stream) {
  for_storage(a.storage, [&]<class T>() {
    for_swiglu_packs<T>(a, [&]<int W>(uint32_t packs, uint32_t per_row) {
      launch(swiglu_elements<T, W>, blocks_for(packs), stream, a, packs, per_row);
    });
  });
}

void swiglu_backward(const SwigluArgs& a, cudaStream_t stream) {
  for_storage(a.storage, [&]<class T>() {
    for_swiglu_packs<T>(a, [&]<int W>(uint32_t packs, uint32_t per_row) {
      launch(swiglu_backward_elements<T, W>, blocks_for(packs), stream, a, packs, per_row);
    });
  });
}

}  // namespace collie::cuda
