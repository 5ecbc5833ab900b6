// Shared by the .cu files: storage conversion, reductions over a warp and a block, launches. Free of torch headers, and of CUDA's syntax
// besides its keywords: native/tests/emulation compiles the .cu files with a C++ compiler and runs them on the CPU.
#pragma once

#include <cuda_bf16.h>
#include <cuda_runtime.h>

#include <cstdint>

#include "engine/kernels/cuda/launch.h"

namespace collie::cuda {

using bf16 = __nv_bfloat16;

__device__ inline float to_float(float x) { return x; }
__device__ inline float to_float(bf16 x) { return __bfloat162float(x); }
template <class T>
__device__ T from_float(float x);
template <>
__device__ inline float from_float<float>(float x) {
  return x;
}
template <>
__device__ inline bf16 from_float<bf16>(float x) {
  return __float2bfloat16_rn(x);
}

constexpr int kWarp = 32;
constexpr int kThreads = 256;  // of a block, unless said
constexpr int kMaxThreads = 1024;

struct Sum {
  template <class T>
  __device__ static T join(T a, T b) {
    return a + b;
  }
};
struct Max {
  template <class T>
  __device__ static T join(T a, T b) {
    return a > b ? a : b;
  }
};

template <class Op, class T>
__device__ T warp_reduce(T value) {
  for (int offset = kWarp / 2; offset > 0; offset /= 2) value = Op::join(value, __shfl_xor_sync(~0u, value, offset));
  return value;
}

// The same value in every thread; `identity` fills the lanes that have nothing. The order is fixed: equal bits every time.
template <class Op, class T>
__device__ T block_reduce(T value, T identity) {
  __shared__ T partial[kMaxThreads / kWarp];
  const int lane = threadIdx.x % kWarp, warp = threadIdx.x / kWarp;
  value = warp_reduce<Op>(value);
  __syncthreads();  // an earlier reduction may still be read
  if (lane == 0) partial[warp] = value;
  __syncthreads();
  return warp_reduce<Op>(lane < static_cast<int>(blockDim.x) / kWarp ? partial[lane] : identity);
}

inline unsigned blocks_for(int64_t items) {
  const int64_t blocks = (items + kThreads - 1) / kThreads;
  return static_cast<unsigned>(blocks < 65535 * 16 ? blocks : 65535 * 16);
}

// Runs a kernel in blocks of `threads`. No blocks is no work: the runtime itself refuses an empty grid. What else it refuses is
// reported by cudaGetLastError().
template <class... Parameters, class... Arguments>
void launch_blocks(void (*kernel)(Parameters...), dim3 grid, int threads, cudaStream_t stream,
                   Arguments&&... arguments) {
  if (grid.x == 0 || grid.y == 0) return;
  cudaLaunchConfig_t config = {};
  config.gridDim = grid;
  config.blockDim = dim3(static_cast<unsigned>(threads));
  config.stream = stream;
  cudaLaunchKernelEx(&config, kernel, arguments...);
}

template <class... Parameters, class... Arguments>
void launch(void (*kernel)(Parameters...), dim3 grid, cudaStream_t stream, Arguments&&... arguments) {
  launch_blocks(kernel, grid, kThreads, stream, arguments...);
}

// for (i in grid stride over n)
#define COLLIE_GRID_STRIDE(i, n)                                                         \
  for (int64_t i = blockIdx.x * static_cast<int64_t>(blockDim.x) + threadIdx.x; i < (n); \
       i += static_cast<int64_t>(gridDim.x) * blockDim.x)

// Calls launch.template operator()<T>() for the storage type.
template <class Launch>
void for_storage(Storage storage, Launch launch) {
  if (storage == Storage::f32)
    launch.template operator()<float>();
  else
    launch.template operator()<bf16>();
}

}  // namespace collie::cuda
