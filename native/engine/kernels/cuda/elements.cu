// Kernels over all elements: conversion, norms, finite check; and the loss over rows of logits.
#include <algorithm>

#include "engine/kernels/cuda/device.cuh"

namespace collie::cuda {
namespace {

template <class From, class To>
__global__ void copy_elements(CopyArgs a, CopyInto into) {
  COLLIE_GRID_STRIDE(index, a.rows * a.cols) {
    const int64_t i = index / a.cols, j = index % a.cols;
    const float value = to_float(static_cast<const From*>(a.src)[i * a.src_stride + j]);
    To* dst = static_cast<To*>(a.dst) + i * a.dst_stride + j;
    *dst = from_float<To>(into == CopyInto::add ? to_float(*dst) + value : a.scale * value);
  }
}

__global__ void square_partials(const float* x, int64_t n, double* partial) {
  double sum = 0;
  COLLIE_GRID_STRIDE(i, n) sum += static_cast<double>(x[i]) * static_cast<double>(x[i]);
  sum = block_reduce<Sum>(sum, 0.0);
  if (threadIdx.x == 0) partial[blockIdx.x] = sum;
}

__global__ void sum_partials(const double* partial, int64_t parts, double* result) {
  double sum = 0;
  for (int64_t i = threadIdx.x; i < parts; i += blockDim.x) sum += partial[i];
  sum = block_reduce<Sum>(sum, 0.0);
  if (threadIdx.x == 0) *result = sum;
}

template <class T>
__global__ void non_finite(const T* x, int64_t n, int32_t* result) {
  int32_t bad = 0;
  COLLIE_GRID_STRIDE(i, n) bad |= !isfinite(to_float(x[i]));
  if (__syncthreads_or(bad) && threadIdx.x == 0) atomicAdd(result, 1);
}

// One block a row: at once, or in passes between which ranks that share the vocabulary put their statistics together.
template <class T>
__device__ float row_max(const LossArgs& a, const T* x) {
  float top = -INFINITY;
  for (int64_t j = threadIdx.x; j < a.vocab; j += blockDim.x) top = fmaxf(top, to_float(x[j]));
  return block_reduce<Max>(top, -INFINITY);
}

template <class T>
__device__ float row_sum(const LossArgs& a, const T* x, float top) {
  float sum = 0;
  for (int64_t j = threadIdx.x; j < a.vocab; j += blockDim.x) sum += expf(to_float(x[j]) - top);
  return block_reduce<Sum>(sum, 0.f);
}

template <class T>
__device__ void finish_row(const LossArgs& a, int64_t i, float top, float sum, float target) {
  T* x = static_cast<T*>(a.logits) + i * a.stride;
  const int32_t target_id = a.targets[i];
  const float lse = top + logf(sum);
  if (threadIdx.x == 0) {
    a.losses[i] = lse - target;
    if (a.correct) a.correct[i] = target >= top ? 1 : 0;
  }
  if (a.grad_scale == 0.f) return;
  for (int64_t j = threadIdx.x; j < a.vocab; j += blockDim.x) {
    const float p = expf(to_float(x[j]) - lse);
    x[j] = from_float<T>((j == target_id ? p - 1.f : p) * a.grad_scale);
  }
}

template <class T>
__global__ void cross_entropy_rows(LossArgs a) {
  const int64_t i = blockIdx.x;
  const T* x = static_cast<const T*>(a.logits) + i * a.stride;
  const float target = to_float(x[a.targets[i]]), top = row_max(a, x);
  finish_row<T>(a, i, top, row_sum(a, x, top), target);
}

template <class T>
__global__ void logit_maxima_rows(LossArgs a) {
  const float top = row_max(a, static_cast<const T*>(a.logits) + blockIdx.x * a.stride);
  if (threadIdx.x == 0) a.maxima[blockIdx.x] = top;
}

template <class T>
__global__ void logit_sums_rows(LossArgs a) {
  const int64_t i = blockIdx.x;
  const T* x = static_cast<const T*>(a.logits) + i * a.stride;
  const float sum = row_sum(a, x, a.maxima[i]);
  if (threadIdx.x != 0) return;
  a.sums[i] = sum;
  a.sums[a.rows + i] = a.targets[i] >= 0 ? to_float(x[a.targets[i]]) : 0.f;
}

template <class T>
__global__ void cross_entropy_of_rows(LossArgs a) {
  const int64_t i = blockIdx.x;
  finish_row<T>(a, i, a.maxima[i], a.sums[i], a.sums[a.rows + i]);
}

}  // namespace

void copy(const CopyArgs& a, CopyInto into, cudaStream_t stream) {
  for_storage(a.from, [&]<class From>() {
    for_storage(a.to, [&]<class To>() {
      launch(copy_elements<From, To>, blocks_for(a.rows * a.cols), stream, a, into);
    });
  });
}

void squared_norm(const float* x, int64_t n, double* partial, double* result, cudaStream_t stream) {
  const int64_t parts = std::min<int64_t>(kReducePartials, blocks_for(n));
  launch(square_partials, static_cast<unsigned>(parts), stream, x, n, partial);
  launch(sum_partials, 1, stream, partial, parts, result);
}

void count_non_finite(Storage storage, const void* x, int64_t n, int32_t* result, cudaStream_t stream) {
  for_storage(storage, [&]<class T>() {
    launch(non_finite<T>, blocks_for(n), stream, static_cast<const T*>(x), n, result);
  });
}

void cross_entropy(const LossArgs& a, cudaStream_t stream) {
  for_storage(a.storage,
              [&]<class T>() { launch(cross_entropy_rows<T>, static_cast<unsigned>(a.rows), stream, a); });
}

void logit_maxima(const LossArgs& a, cudaStream_t stream) {
  for_storage(a.storage,
              [&]<class T>() { launch(logit_maxima_rows<T>, static_cast<unsigned>(a.rows), stream, a); });
}

void logit_sums(const LossArgs& a, cudaStream_t stream) {
  for_storage(a.storage,
              [&]<class T>() { launch(logit_sums_rows<T>, static_cast<unsigned>(a.rows), stream, a); });
}

void cross_entropy_of(const LossArgs& a, cudaStream_t stream) {
  for_storage(a.storage,
              [&]<class T>() { launch(cross_entropy_of_rows<T>, static_cast<unsigned>(a.rows), stream, a); });
}

}  // namespace collie::cuda
