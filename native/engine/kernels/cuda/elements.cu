// Kernels over all elements: conversion, norms, finite check.
#include "engine/kernels/cuda/packs.cuh"

namespace collie::cuda {
namespace {

template <class From, class To, int W>
__global__ void copy_elements(CopyArgs a, CopyInto into, uint32_t packs, Divisor packs_per_row) {
  COLLIE_EACH_PACK(index, packs) {
    const auto [i, j] = place_of<W>(index, packs_per_row);
    To* dst = static_cast<To*>(a.dst) + i * a.dst_stride + j;
    float values[W], sums[W];
    load(static_cast<const From*>(a.src) + i * a.src_stride + j, values);
    if (into == CopyInto::add) {
      load(dst, sums);
      for (int k = 0; k < W; ++k) values[k] += sums[k];
    } else {
      for (int k = 0; k < W; ++k) values[k] *= a.scale;
    }
    store(dst, values);
  }
}

template <int W>
__global__ void partial_squares(const float* x, int64_t n, double* partial) {
  const int64_t packs = n / W;
  double sum = 0;
  const auto add = [&](float value) { sum += static_cast<double>(value) * static_cast<double>(value); };
  COLLIE_GRID_STRIDE(i, packs) {
    float values[W];
    load(x + i * W, values);
    for (const float value : values) add(value);
  }
  COLLIE_GRID_STRIDE(i, n - packs * W) add(x[packs * W + i]);
  sum = block_reduce<Sum>(sum, 0.0);
  if (threadIdx.x == 0) partial[blockIdx.x] = sum;
}

__global__ void sum_of_partials(const double* partial, int64_t parts, double* result) {
  double sum = 0;
  for (int64_t i = threadIdx.x; i < parts; i += blockDim.x) sum += partial[i];
  sum = block_reduce<Sum>(sum, 0.0);
  if (threadIdx.x == 0) *result = sum;
}

template <class T, int W>
__global__ void non_finite(const T* x, int64_t n, int32_t* result) {
  const int64_t packs = n / W;
  int32_t bad = 0;
  COLLIE_GRID_STRIDE(i, packs) {
    float values[W];
    load(x + i * W, values);
    for (const float value : values) bad |= !isfinite(value);
  }
  COLLIE_GRID_STRIDE(i, n - packs * W) bad |= !isfinite(to_float(x[packs * W + i]));
  if (__syncthreads_or(bad) && threadIdx.x == 0) atomicAdd(result, 1);
}

}  // namespace

void copy(const CopyArgs& a, CopyInto into, cudaStream_t stream) {
  for_storage(a.from, [&]<class From>() {
    for_storage(a.to, [&]<class To>() {
      constexpr int kWidth = kPackBytes / (sizeof(From) > sizeof(To) ? sizeof(From) : sizeof(To));
      with_packs<From, kWidth>({a.src}, {a.cols, a.src_stride}, [&]<int Reads>() {
        with_packs<To, Reads>({a.dst}, {a.cols, a.dst_stride}, [&]<int W>() {
          const int64_t per_row = a.cols / W;
          const uint32_t packs = packs_in(a.rows, per_row);
          launch(copy_elements<From, To, W>, blocks_for(packs), stream, a, into, packs, Divisor(per_row));
        });
      });
    });
  });
}

int64_t square_partials(const float* x, int64_t n, double* partial, cudaStream_t stream) {
  const int64_t parts = square_parts(n);
  with_packs<float>({x}, {},
                    [&]<int W>() { launch(partial_squares<W>, static_cast<unsigned>(parts), stream, x, n, partial); });
  return parts;
}

void sum_partials(const double* partial, int64_t parts, double* result, cudaStream_t stream) {
  launch(sum_of_partials, 1, stream, partial, parts, result);
}

void count_non_finite(Storage storage, const void* x, int64_t n, int32_t* result, cudaStream_t stream) {
  for_storage(storage, [&]<class T>() {
    with_packs<T>({x}, {}, [&]<int W>() {
      launch(non_finite<T, W>, blocks_for((n + W - 1) / W), stream, static_cast<const T*>(x), n, result);
    });
  });
}

}  // namespace collie::cuda
