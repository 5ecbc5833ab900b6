// The loss over rows of logits. One block a row, which it reads twice: for the largest logit and the sum of exponentials in one go, with a
// running maximum (Milakov and Gimelshein 2018, arXiv 1805.02867), then for the gradient, when the row is still in the cache.
#include "engine/kernels/cuda/packs.cuh"

namespace collie::cuda {
namespace {

constexpr int kAhead = 4;  // packs that a thread loads before it needs the first

// Calls use(values, column) for all of a row: packs while there are whole ones, then what is left element by element. `use` takes arrays
// of W and of 1 element.
template <int W, class T, class Use>
__device__ inline void for_row(const T* x, int64_t columns, Use use) {
  const int64_t packed = columns / W * W, step = static_cast<int64_t>(blockDim.x) * W;
  int64_t j = static_cast<int64_t>(threadIdx.x) * W;
  for (; j + (kAhead - 1) * step < packed; j += kAhead * step) {
    float values[kAhead][W];
    for (int a = 0; a < kAhead; ++a) load(x + j + a * step, values[a]);
    for (int a = 0; a < kAhead; ++a) use(values[a], j + a * step);
  }
  for (; j < packed; j += step) {
    float values[W];
    load(x + j, values);
    use(values, j);
  }
  for (j = packed + threadIdx.x; j < columns; j += blockDim.x) {
    float value[1] = {to_float(x[j])};
    use(value, j);
  }
}

struct Exponentials {
  float top = -INFINITY;  // the largest of them
  float sum = 0;          // of exp(x - top)

  template <int W>
  __device__ void add(const float (&x)[W]) {
    float largest = x[0];
    for (int k = 1; k < W; ++k) largest = fmaxf(largest, x[k]);
    if (largest > top) {
      sum *= expf(top - largest);
      top = largest;
    }
    for (int k = 0; k < W; ++k) sum += expf(x[k] - top);
  }
};

// Of the whole row, in every thread.
__device__ inline Exponentials joined(const Exponentials& own) {
  Exponentials all;
  all.top = block_reduce<Max>(own.top, -INFINITY);
  all.sum = block_reduce<Sum>(own.sum == 0.f ? 0.f : own.sum * expf(own.top - all.top), 0.f);
  return all;
}

template <class T, int W>
__device__ void finish_row(const LossArgs& a, int64_t i, float top, float sum, float target) {
  T* x = static_cast<T*>(a.logits) + i * a.stride;
  const int64_t target_id = a.targets[i];
  const float lse = top + logf(sum);
  if (threadIdx.x == 0) {
    a.losses[i] = lse - target;
    if (a.correct) a.correct[i] = target >= top ? 1 : 0;
  }
  if (!a.scales) return;
  const float scale = a.scales[i];
  for_row<W>(x, a.vocab, [&](auto& values, int64_t j) {
    constexpr int kCount = sizeof(values) / sizeof(float);
    for (int k = 0; k < kCount; ++k) {
      const float p = expf(values[k] - lse);
      values[k] = (j + k == target_id ? p - 1.f : p) * scale;
    }
    store(x + j, values);
  });
}

template <class T, int W>
__global__ void __launch_bounds__(kMaxThreads) cross_entropy_rows(LossArgs a) {
  const int64_t i = blockIdx.x;
  const T* x = static_cast<const T*>(a.logits) + i * a.stride;
  const float target = to_float(x[a.targets[i]]);
  Exponentials own;
  for_row<W>(x, a.vocab, [&](auto& values, int64_t) { own.add(values); });
  const Exponentials all = joined(own);
  finish_row<T, W>(a, i, all.top, all.sum, target);
}

// With a shared vocabulary in passes, between which the ranks put their statistics together.
template <class T, int W>
__global__ void logit_maxima_rows(LossArgs a) {
  float top = -INFINITY;
  for_row<W>(static_cast<const T*>(a.logits) + blockIdx.x * a.stride, a.vocab, [&](auto& values, int64_t) {
    for (const float value : values) top = fmaxf(top, value);
  });
  top = block_reduce<Max>(top, -INFINITY);
  if (threadIdx.x == 0) a.maxima[blockIdx.x] = top;
}

template <class T, int W>
__global__ void logit_sums_rows(LossArgs a) {
  const int64_t i = blockIdx.x;
  const T* x = static_cast<const T*>(a.logits) + i * a.stride;
  const float top = a.maxima[i];
  float sum = 0;
  for_row<W>(x, a.vocab, [&](auto& values, int64_t) {
    for (const float value : values) sum += expf(value - top);
  });
  sum = block_reduce<Sum>(sum, 0.f);
  if (threadIdx.x != 0) return;
  a.sums[i] = sum;
  a.sums[a.rows + i] = a.targets[i] >= 0 ? to_float(x[a.targets[i]]) : 0.f;
}

template <class T, int W>
__global__ void cross_entropy_of_rows(LossArgs a) {
  const int64_t i = blockIdx.x;
  finish_row<T, W>(a, i, a.maxima[i], a.sums[i], a.sums[a.rows + i]);
}

// Calls launch_rows.template operator()<T, W>(threads): large vocabularies take large blocks.
template <class Launch>
void for_logits(const LossArgs& a, Launch launch_rows) {
  for_storage(a.storage, [&]<class T>() {
    with_packs<T>({a.logits}, {a.stride}, [&]<int W>() {
      launch_rows.template operator()<T, W>(a.vocab >= kMaxThreads * W ? kMaxThreads : kThreads);
    });
  });
}

unsigned rows_of(const LossArgs& a) { return static_cast<unsigned>(a.rows); }

}  // namespace

void cross_entropy(const LossArgs& a, cudaStream_t stream) {
  for_logits(
      a, [&]<class T, int W>(int threads) { launch_blocks(cross_entropy_rows<T, W>, rows_of(a), threads, stream, a); });
}

void logit_maxima(const LossArgs& a, cudaStream_t stream) {
  for_logits(
      a, [&]<class T, int W>(int threads) { launch_blocks(logit_maxima_rows<T, W>, rows_of(a), threads, stream, a); });
}

void logit_sums(const LossArgs& a, cudaStream_t stream) {
  for_logits(
      a, [&]<class T, int W>(int threads) { launch_blocks(logit_sums_rows<T, W>, rows_of(a), threads, stream, a); });
}

void cross_entropy_of(const LossArgs& a, cudaStream_t stream) {
  for_logits(a, [&]<class T, int W>(int threads) {
    launch_blocks(cross_entropy_of_rows<T, W>, rows_of(a), threads, stream, a);
  });
}

}  // namespace collie::cuda
