// The part of NVIDIA's header of this name that the kernels use: enough to compile them with a C++ compiler and run them on the CPU
// (fibers.h). Threads of a block are fibers, blocks run one after another.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>

#include "cuda_runtime_api.h"
#include "fibers.h"

#define __global__
#define __device__
#define __host__
#define __shared__ static
#define __forceinline__ inline
#define __launch_bounds__(threads)

using collie::emulation::blockDim;
using collie::emulation::blockIdx;
using collie::emulation::dim3;
using collie::emulation::gridDim;
using collie::emulation::threadIdx;

struct cudaLaunchConfig_t {
  dim3 gridDim, blockDim;
  cudaStream_t stream = nullptr;
};

// Throws where the runtime would report an error.
template <class... Parameters, class... Arguments>
void cudaLaunchKernelEx(const cudaLaunchConfig_t* config, void (*kernel)(Parameters...), Arguments&&... arguments) {
  [&](Parameters... values) {
    collie::emulation::run(config->gridDim, config->blockDim, [&] { kernel(values...); });
  }(arguments...);
}

inline void __syncthreads() { collie::emulation::wait_for_block(0); }
inline int __syncthreads_or(int value) { return collie::emulation::wait_for_block(value != 0); }

template <class T>
T __shfl_xor_sync(unsigned, T value, int offset) {
  static_assert(sizeof(T) <= 8);
  uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof value);
  bits = collie::emulation::exchange(bits, static_cast<unsigned>(offset));
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

inline float __fsqrt_rn(float x) { return std::sqrt(x); }
inline float __expf(float x) { return std::exp(x); }
inline float rsqrtf(float x) { return 1.f / std::sqrt(x); }
inline int atomicAdd(int* address, int value) {
  const int before = *address;
  *address += value;
  return before;
}
using std::isfinite;
