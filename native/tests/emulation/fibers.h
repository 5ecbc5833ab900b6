// Blocks of CUDA threads on one CPU thread: every thread of a block is a fiber, and which of those that can go on goes on is drawn at
// random, from a fixed seed. A kernel that needs a barrier it does not have then computes something else; one whose threads do not all
// reach a barrier ends with an error instead of a hang.
#pragma once

#include <c10/util/FunctionRef.h>

#include <cstdint>

namespace collie::emulation {

struct dim3 {
  unsigned x = 1, y = 1, z = 1;
  dim3(unsigned x = 1, unsigned y = 1, unsigned z = 1) : x(x), y(y), z(z) {}
};
inline dim3 threadIdx, blockIdx, blockDim, gridDim;

// Runs `thread` for every thread of every block. Throws std::runtime_error for a grid that a GPU would refuse, and when threads wait for
// others that will not come.
void run(dim3 grid, dim3 block, c10::function_ref<void()> thread);

// Called by threads. Waits until all threads of the block that have not ended are here; returns whether one of them gave a value.
int wait_for_block(int value);
// The value of the lane whose number differs in the bits of `mask`; all 32 lanes of the warp have to come.
uint64_t exchange(uint64_t value, unsigned mask);

// The order of threads from here on.
void shuffle(uint64_t seed);

}  // namespace collie::emulation
