// Row-wise kernels: norms and rotary embedding. One block a row, one warp a group of a row, or one thread a pack of elements.
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
      for (int k = 0; k < W; ++k)
        value[k] = to_float(from_float<T>(value[k] + other[k]));  // the norm sees the sum as it is stored
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
    for (int k = 0; k < W; ++k) value[k] = value[k] * rstd * (a.offset + other[k]);
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
    for (int k = 0; k < W; ++k) dot += gs[k] * (a.offset + ws[k]) * xs[k];
  }
  const float rstd = a.rstd[i];
  const float factor = block_reduce<Sum>(dot, 0.f) * rstd * rstd * rstd / static_cast<float>(a.dim);
  for (int64_t j = threadIdx.x * W; j < a.dim; j += blockDim.x * W) {
    load(x + j, xs);
    load(dy + j, gs);
    load(weight + j, ws);
    load(dx + j, sums);
    for (int k = 0; k < W; ++k) sums[k] += gs[k] * (a.offset + ws[k]) * rstd - xs[k] * factor;
    store(dx + j, sums);
  }
}

// Each of kNormPartials groups of rows sums into its own row of `partial`; the second kernel adds those in order.
template <class T, int W>
__global__ void norm_weight_partials(NormBackwardArgs a) {
  const int64_t j = (blockIdx.x * static_cast<int64_t>(blockDim.x) + threadIdx.x) * W;
  if (j >= a.dim) return;
  float sums[W] = {}, x[W], dy[W];
  for (int64_t i = blockIdx.y; i < a.rows; i += gridDim.y) {
    load(static_cast<const T*>(a.x) + i * a.x_stride + j, x);
    load(static_cast<const T*>(a.dy) + i * a.dy_stride + j, dy);
    for (int k = 0; k < W; ++k) sums[k] += dy[k] * x[k] * a.rstd[i];
  }
  store(a.partial + blockIdx.y * a.dim + j, sums);
}

__global__ void norm_weight_sum(const float* partial, float* dweight, int64_t dim) {
  COLLIE_GRID_STRIDE(j, dim) {
    float sum = 0;
    for (int64_t p = 0; p < kNormPartials; ++p) sum += partial[p * dim + j];
    dweight[j] += sum;
  }
}

__device__ void turn(float& x, float& y, float cos, float sin) {
  const float before = x;
  x = before * cos - y * sin;
  y = y * cos + before * sin;
}

// Element j of the first half of a head's rotated elements turns with element j of the second.
template <class T, int W>
__global__ void rotary_halves(RotaryArgs a, uint32_t packs, Divisor packs_per_head, Divisor heads) {
  COLLIE_EACH_PACK(index, packs) {
    const auto [row_and_head, j] = place_of<W>(index, packs_per_head);
    const auto [i, head] = place_of<1>(static_cast<uint32_t>(row_and_head), heads);
    const int64_t angle = a.positions[i] * a.half + j;
    T* lo = static_cast<T*>(a.x) + i * a.x_stride + head * a.head_dim + j;
    float x[W], y[W], c[W], s[W];
    load(lo, x);
    load(lo + a.half, y);
    load(a.cos + angle, c);
    load(a.sin + angle, s);
    for (int k = 0; k < W; ++k) turn(x[k], y[k], c[k], s[k] * a.sign);
    store(lo, x);
    store(lo + a.half, y);
  }
}

// Element 2 j turns with element 2 j + 1.
template <class T, int W>
__global__ void rotary_neighbours(RotaryArgs a, uint32_t packs, Divisor packs_per_head, Divisor heads) {
  COLLIE_EACH_PACK(index, packs) {
    const auto [row_and_head, j] = place_of<W>(index, packs_per_head);
    const auto [i, head] = place_of<1>(static_cast<uint32_t>(row_and_head), heads);
    const int64_t angle = a.positions[i] * a.half + j;
    T* pairs = static_cast<T*>(a.x) + i * a.x_stride + head * a.head_dim + 2 * j;
    float x[2 * W], c[W], s[W];
    load(pairs, x);
    load(a.cos + angle, c);
    load(a.sin + angle, s);
    for (int k = 0; k < W; ++k) turn(x[2 * k], x[2 * k + 1], c[k], s[k] * a.sign);
    store(pairs, x);
  }
}

// One warp a group of a row.
constexpr int kWarps = kThreads / kWarp;

template <class T>
struct Group {
  int64_t row, number;
  const T* x;
  T* y;
};

template <class T>
__device__ bool find_group(const GroupNormArgs& a, Divisor groups, Group<T>* group) {
  const auto [i, g] = place_of<1>(blockIdx.x * kWarps + threadIdx.x / kWarp, groups);
  *group = {i, g, static_cast<const T*>(a.x) + i * a.x_stride + g * a.dim,
            static_cast<T*>(a.y) + i * a.y_stride + g * a.dim};
  return i < a.rows;
}

template <class T, int W>
__global__ void group_norm_rows(GroupNormArgs a, Divisor groups) {
  Group<T> group;
  if (!find_group(a, groups, &group)) return;
  const int lane = threadIdx.x % kWarp;
  const T* weight = static_cast<const T*>(a.weight);
  float square = 0, value[W], other[W];
  for (int64_t j = lane * W; j < a.dim; j += kWarp * W) {
    load(group.x + j, value);
    for (int k = 0; k < W; ++k) square += value[k] * value[k];
  }
  const float rstd = rsqrtf(warp_reduce<Sum>(square) / static_cast<float>(a.dim) + a.eps);
  if (lane == 0) a.rstd[group.row * a.rstd_stride + group.number] = rstd;
  for (int64_t j = lane * W; j < a.dim; j += kWarp * W) {
    load(group.x + j, value);
    load(weight + j, other);
    for (int k = 0; k < W; ++k) value[k] = value[k] * rstd * (a.offset + other[k]);
    store(group.y + j, value);
  }
}

template <class T, int W>
__global__ void group_norm_backward_rows(GroupNormArgs a, Divisor groups) {
  Group<T> group;
  if (!find_group(a, groups, &group)) return;
  const int lane = threadIdx.x % kWarp;
  const T* weight = static_cast<const T*>(a.weight);
  float dot = 0, xs[W], gs[W], ws[W];
  for (int64_t j = lane * W; j < a.dim; j += kWarp * W) {
    load(group.x + j, xs);
    load(group.y + j, gs);
    load(weight + j, ws);
    for (int k = 0; k < W; ++k) dot += gs[k] * (a.offset + ws[k]) * xs[k];
  }
  const float rstd = a.rstd[group.row * a.rstd_stride + group.number];
  const float factor = warp_reduce<Sum>(dot) * rstd * rstd * rstd / static_cast<float>(a.dim);
  for (int64_t j = lane * W; j < a.dim; j += kWarp * W) {
    load(group.x + j, xs);
    load(group.y + j, gs);
    load(weight + j, ws);
    for (int k = 0; k < W; ++k) gs[k] = gs[k] * (a.offset + ws[k]) * rstd - xs[k] * factor;
    store(group.y + j, gs);
  }
}

// A group has few packs: as many teams of threads as fit into a block share its groups, and add up their sums in order.
template <class T, int W>
__global__ void group_weight_partials(GroupNormArgs a, unsigned team, unsigned teams) {
  __shared__ float of_teams[kThreads * W];
  const unsigned first = threadIdx.x / team;
  const int64_t j = (static_cast<int64_t>(blockIdx.x) * team + threadIdx.x % team) * W;
  const bool works = first < teams && j < a.dim;
  float sums[W] = {}, x[W], dy[W];
  for (int64_t i = blockIdx.y; works && i < a.rows; i += gridDim.y)
    for (int64_t g = first; g < a.groups; g += teams) {
      load(static_cast<const T*>(a.x) + i * a.x_stride + g * a.dim + j, x);
      load(static_cast<const T*>(a.y) + i * a.y_stride + g * a.dim + j, dy);
      const float rstd = a.rstd[i * a.rstd_stride + g];
      for (int k = 0; k < W; ++k) sums[k] += dy[k] * x[k] * rstd;
    }
  for (int k = 0; k < W; ++k) of_teams[k * kThreads + threadIdx.x] = sums[k];
  __syncthreads();
  if (first != 0 || !works) return;
  for (unsigned other = 1; other < teams; ++other)
    for (int k = 0; k < W; ++k) sums[k] += of_teams[k * kThreads + other * team + threadIdx.x];
  store(a.partial + blockIdx.y * a.dim + j, sums);
}

// Over warps of a.rows * a.groups.
template <class T, class Launch>
void for_group_packs(const GroupNormArgs& a, Launch launch_packs) {
  const unsigned blocks = (packs_in(a.rows, a.groups) + kWarps - 1) / kWarps;
  with_packs<T>({a.x, a.weight, a.y}, {a.dim, a.x_stride, a.y_stride},
                [&]<int W>() { launch_packs.template operator()<W>(blocks); });
}

template <class T, class Launch>
void for_rotary_packs(const RotaryArgs& a, Launch launch_packs) {
  with_packs<T>({a.x, a.cos, a.sin}, {a.x_stride, a.head_dim, a.half}, [&]<int W>() {
    const int64_t per_head = a.half / W;
    launch_packs.template operator()<W>(packs_in(a.rows * a.heads, per_head), Divisor(per_head), Divisor(a.heads));
  });
}

}  // namespace

void rms_norm(const NormArgs& a, cudaStream_t stream) {
  for_storage(a.storage, [&]<class T>() {
    with_packs<T>({a.x, a.residual, a.sum, a.weight, a.y},
                  {a.dim, a.x_stride, a.residual_stride, a.sum_stride, a.y_stride},
                  [&]<int W>() { launch(rms_norm_rows<T, W>, static_cast<unsigned>(a.rows), stream, a); });
  });
}

void add_norm_partials(const float* partial, float* dweight, int64_t dim, cudaStream_t stream) {
  launch(norm_weight_sum, blocks_for(dim), stream, partial, dweight, dim);
}

void rms_norm_backward(const NormBackwardArgs& a, cudaStream_t stream) {
  for_storage(a.storage, [&]<class T>() {
    if (a.dweight) {
      with_packs<T>({a.x, a.dy, a.partial}, {a.dim, a.x_stride, a.dy_stride}, [&]<int W>() {
        launch(norm_weight_partials<T, W>, dim3(blocks_for(a.dim / W), kNormPartials), stream, a);
      });
      launch(norm_weight_sum, blocks_for(a.dim), stream, a.partial, a.dweight, a.dim);
    }
    if (!a.dx) return;
    with_packs<T>({a.x, a.dy, a.dx, a.weight}, {a.dim, a.x_stride, a.dy_stride, a.dx_stride},
                  [&]<int W>() { launch(rms_norm_backward_rows<T, W>, static_cast<unsigned>(a.rows), stream, a); });
  });
}

void rotary(const RotaryArgs& a, cudaStream_t stream) {
  for_storage(a.storage, [&]<class T>() {
    if (a.pairs == RotaryPairs::half)
      for_rotary_packs<T>(a, [&]<int W>(uint32_t packs, Divisor per_head, Divisor heads) {
        launch(rotary_halves<T, W>, blocks_for(packs), stream, a, packs, per_head, heads);
      });
    else
      for_rotary_packs<T>(a, [&]<int W>(uint32_t packs, Divisor per_head, Divisor heads) {
        launch(rotary_neighbours<T, W>, blocks_for(packs), stream, a, packs, per_head, heads);
      });
  });
}

void group_norm(const GroupNormArgs& a, cudaStream_t stream) {
  for_storage(a.storage, [&]<class T>() {
    for_group_packs<T>(
        a, [&]<int W>(unsigned blocks) { launch(group_norm_rows<T, W>, blocks, stream, a, Divisor(a.groups)); });
  });
}

void group_norm_backward(const GroupNormArgs& a, cudaStream_t stream) {
  for_storage(a.storage, [&]<class T>() {
    if (a.dweight) {
      with_packs<T>({a.x, a.y, a.partial}, {a.dim, a.x_stride, a.y_stride}, [&]<int W>() {
        const auto team = static_cast<unsigned>(a.dim / W < kThreads ? a.dim / W : kThreads);
        const auto teams = static_cast<unsigned>(kThreads / team < a.groups ? kThreads / team : a.groups);
        launch(group_weight_partials<T, W>, dim3(blocks_for(a.dim / W), kNormPartials), stream, a, team, teams);
      });
      launch(norm_weight_sum, blocks_for(a.dim), stream, a.partial, a.dweight, a.dim);
    }
    for_group_packs<T>(a, [&]<int W>(unsigned blocks) {
      launch(group_norm_backward_rows<T, W>, blocks, stream, a, Divisor(a.groups));
    });
  });
}

}  // namespace collie::cuda
