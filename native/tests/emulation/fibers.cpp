#include "fibers.h"

#include <sys/mman.h>

#include <array>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "switch.h"

namespace collie::emulation {
namespace {

constexpr unsigned kMaxThreads = 1024, kWarp = 32, kMaxGridY = 65535;
constexpr size_t kStackBytes = 64 << 10, kPage = 4096;

struct Barrier {
  std::vector<unsigned> waiting;
  int given = 0, result = 0;
};

// One block at a time.
struct Block {
  c10::function_ref<void()>* thread = nullptr;
  std::array<Context, kMaxThreads> contexts;
  std::array<std::array<uint64_t, kMaxThreads>, 2>
      exchanged;  // turn by turn: a lane may be one exchange ahead of another
  std::array<uint8_t, kMaxThreads> turns;
  std::vector<unsigned> ready;
  Barrier all;
  std::array<Barrier, kMaxThreads / kWarp> warps;
  unsigned alive = 0, current = 0;
  Context home;
  uint64_t random = 0x9e3779b97f4a7c15ull;
  char* stacks = nullptr;
};
Block block;

uint64_t draw(uint64_t below) {  // xorshift64 (Marsaglia 2003)
  uint64_t& r = block.random;
  r ^= r << 13;
  r ^= r >> 7;
  r ^= r << 17;
  return (r >> 16) % below;
}

// Any of those that can go on; nothing when none can.
std::optional<unsigned> take_ready() {
  if (block.ready.empty()) return std::nullopt;
  std::swap(block.ready[draw(block.ready.size())], block.ready.back());
  const unsigned chosen = block.ready.back();
  block.ready.pop_back();
  return chosen;
}

void go_on_from(Context& from) {
  const std::optional<unsigned> next = take_ready();
  if (next == block.current && &from != &block.home) return;
  if (next) {
    block.current = *next;
    threadIdx = dim3(*next);
  }
  switch_context(from, next ? block.contexts[*next] : block.home);
}

void release(Barrier& barrier) {
  block.ready.insert(block.ready.end(), barrier.waiting.begin(), barrier.waiting.end());
  barrier.waiting.clear();
  barrier.result = barrier.given;
  barrier.given = 0;
}

void wait(Barrier& barrier, unsigned members, int value) {
  barrier.waiting.push_back(block.current);
  barrier.given |= value;
  if (barrier.waiting.size() == members) release(barrier);
  go_on_from(block.contexts[block.current]);
}

void enter() {
  (*block.thread)();
  --block.alive;
  // Barriers of a block count the threads that are left.
  if (block.alive > 0 && block.all.waiting.size() == block.alive) release(block.all);
  go_on_from(block.contexts[block.current]);
}

// Stacks with a page between them that faults.
char* stack_of(unsigned thread) {
  if (!block.stacks) {
    void* memory = mmap(nullptr, kMaxThreads * kStackBytes, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) throw std::runtime_error("no memory for the stacks of emulated threads");
    block.stacks = static_cast<char*>(memory);
    for (unsigned i = 0; i < kMaxThreads; ++i) mprotect(block.stacks + i * kStackBytes, kPage, PROT_NONE);
  }
  return block.stacks + thread * kStackBytes;
}

// Stacks that end at the same place of a page would share a few lines of the cache, and every switch would miss it.
size_t stack_bytes_of(unsigned thread) { return kStackBytes - kPage - thread % 32 * 320; }

void run_block(unsigned threads) {
  block.alive = threads;
  block.ready.clear();
  block.all = {};
  for (Barrier& warp : block.warps) {
    warp.waiting.clear();
    warp.given = 0;
  }
  block.turns.fill(0);
  for (unsigned i = 0; i < threads; ++i) {
    block.contexts[i] = make_context(stack_of(i) + kPage, stack_bytes_of(i), enter);
    block.ready.push_back(i);
  }
  go_on_from(block.home);
  if (block.alive > 0)
    throw std::runtime_error(std::to_string(block.alive) + " of " + std::to_string(threads) +
                             " threads of a block wait for others that do not come");
}

}  // namespace

void run(dim3 grid, dim3 size, c10::function_ref<void()> thread) {
  if (grid.x == 0 || grid.y == 0 || grid.y > kMaxGridY || size.x == 0 || size.x > kMaxThreads || grid.z != 1 ||
      size.y != 1 || size.z != 1)
    throw std::runtime_error("invalid configuration: " + std::to_string(grid.x) + " x " + std::to_string(grid.y) +
                             " blocks of " + std::to_string(size.x) + " threads");
  block.thread = &thread;
  gridDim = grid;
  blockDim = size;
  // Blocks in an order of their own, too: a stride that has no factor in common with their number.
  const uint64_t blocks = static_cast<uint64_t>(grid.x) * grid.y, first = draw(blocks);
  constexpr uint64_t kStride = 2147483647;  // prime
  const uint64_t stride = blocks % kStride == 0 ? 1 : kStride % blocks == 0 ? 1 : kStride;
  for (uint64_t i = 0; i < blocks; ++i) {
    const uint64_t at = (first + i * (stride % blocks)) % blocks;
    blockIdx = dim3(static_cast<unsigned>(at % grid.x), static_cast<unsigned>(at / grid.x));
    run_block(size.x);
  }
}

int wait_for_block(int value) {
  wait(block.all, block.alive, value);
  return block.all.result;
}

uint64_t exchange(uint64_t value, unsigned mask) {
  const unsigned me = block.current;
  auto& turn = block.exchanged[block.turns[me]++ & 1];
  turn[me] = value;
  wait(block.warps[me / kWarp], kWarp, 0);
  return turn[me ^ mask];
}

void shuffle(uint64_t seed) { block.random = seed * 2 + 1; }

}  // namespace collie::emulation
