// The emulated CUDA runtime itself: it has to run right kernels right, and to show the faults that it is there for.
#include <doctest/doctest.h>

#include <cstdint>
#include <numeric>
#include <vector>

#include "engine/kernels/cuda/device.cuh"

namespace collie::cuda {
namespace {

enum class Between { barrier, nothing };

// Every thread writes its place, then reads the mirrored one.
__global__ void mirror(const int32_t* in, int32_t* out, Between between) {
  __shared__ int32_t values[kThreads];
  values[threadIdx.x] = in[blockIdx.x * blockDim.x + threadIdx.x];
  if (between == Between::barrier) __syncthreads();
  out[blockIdx.x * blockDim.x + threadIdx.x] = values[blockDim.x - 1 - threadIdx.x];
}

int64_t wrong_in_mirror(Between between) {
  constexpr int64_t kBlocks = 3;
  std::vector<int32_t> in(kBlocks * kThreads), out(in.size());
  std::iota(in.begin(), in.end(), 1);
  launch(mirror, kBlocks, nullptr, in.data(), out.data(), between);
  int64_t wrong = 0;
  for (int64_t i = 0; i < kBlocks * kThreads; ++i) {
    const int64_t block = i / kThreads, place = i % kThreads;
    wrong += out[static_cast<size_t>(i)] != in[static_cast<size_t>(block * kThreads + kThreads - 1 - place)];
  }
  return wrong;
}

__global__ void sum_block(const double* in, double* out) {
  const double sum = block_reduce<Sum>(in[threadIdx.x], 0.0);
  const double top = block_reduce<Max>(in[threadIdx.x], 0.0);
  out[threadIdx.x] = sum + top;
}

__global__ void half_waits() {
  if (threadIdx.x % 64 < 32) __shfl_xor_sync(~0u, threadIdx.x, 1);
  if (threadIdx.x == 5) __shfl_xor_sync(~0u, threadIdx.x, 1);
}

__global__ void early_end(int32_t* count) {
  if (threadIdx.x >= 40) return;
  if (__syncthreads_or(threadIdx.x == 39)) atomicAdd(count, 1);
}

TEST_CASE("a kernel with its barriers is right in every order of its threads, one without is not") {
  for (const uint64_t seed : {1, 2, 3, 4, 5}) {
    emulation::shuffle(seed);
    CHECK(wrong_in_mirror(Between::barrier) == 0);
    CHECK(wrong_in_mirror(Between::nothing) > 0);
  }
}

TEST_CASE("reductions over a block give every thread the same") {
  std::vector<double> in(kThreads), out(kThreads);
  std::iota(in.begin(), in.end(), 1.0);
  for (const uint64_t seed : {1, 2, 3}) {
    emulation::shuffle(seed);
    launch(sum_block, 1, nullptr, in.data(), out.data());
    for (const double value : out) CHECK(value == kThreads * (kThreads + 1) / 2 + kThreads);
  }
}

TEST_CASE("threads that have ended are not waited for; those that wait for what does not come end the launch") {
  int32_t count = 0;
  launch(early_end, 2, nullptr, &count);
  CHECK(count == 80);
  CHECK_THROWS_WITH(launch(half_waits, 1, nullptr), doctest::Contains("wait for others"));
  launch(early_end, 1, nullptr, &count);  // and the next launch works
  CHECK(count == 120);
}

TEST_CASE("an empty grid is no work, one that is too large is refused") {
  int32_t count = 0;
  launch(early_end, 0, nullptr, &count);
  CHECK(count == 0);
  CHECK_THROWS_WITH(launch(early_end, dim3(1, 70000), nullptr, &count), doctest::Contains("invalid configuration"));
}

}  // namespace
}  // namespace collie::cuda
