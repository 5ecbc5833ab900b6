// AdamW on moments in bytes: one warp a block of 256 values, which it reads, updates, measures and writes in one pass.
#include <cfloat>

#include "engine/kernels/cuda/formulas.cuh"

namespace collie::cuda {
namespace {

constexpr int kCodes = 256, kMoments = 2;
constexpr int kEach = kByteMomentBlock / kWarp;  // values of a lane
constexpr int kWarps = kThreads / kWarp;
constexpr int64_t kMostBlocks = 2048;  // of threads, each of which has to read the maps

struct Tables {
  float map[kMoments][kCodes], borders[kMoments][kCodes];
};

__device__ inline void fill(Tables& tables, const ByteAdamWArgs& a) {
  for (int moment = 0; moment < kMoments; ++moment)
    for (int i = threadIdx.x; i < kCodes; i += blockDim.x) {
      tables.map[moment][i] = a.moments[moment].map[i];
      if (i < kCodes - 1) tables.borders[moment][i] = a.moments[moment].borders[i];
    }
  __syncthreads();
}

// Borders that are smaller than x.
__device__ inline uint8_t code_of(const float* borders, float x) {
  unsigned smaller = 0;
  for (unsigned step = kCodes / 2; step > 0; step /= 2)
    if (borders[smaller + step - 1] < x) smaller += step;
  return static_cast<uint8_t>(smaller);
}

// What a lane has of a block: W neighbours, or values that lie kWarp apart.
template <int W>
__device__ void read_moment(const ByteMomentArgs& a, const float* map, int64_t first, int64_t n, float scale,
                            float (&values)[kEach]) {
  for (int run = 0; run < kEach / W; ++run) {
    if (first + run * kWarp >= n) continue;
    const auto codes = *reinterpret_cast<const Pack<uint8_t, W>*>(a.codes + first + run * kWarp);
    for (int k = 0; k < W; ++k) values[run * W + k] = map[codes.values[k]] * scale;
  }
}

// The largest magnitude of the block is its scale.
template <int W>
__device__ void write_moment(const ByteMomentArgs& a, const float* borders, int64_t first, int64_t n, int64_t block,
                             const float (&values)[kEach]) {
  float largest = 0;
  for (int k = 0; k < kEach; ++k) largest = fmaxf(largest, fabsf(values[k]));
  const float scale = warp_reduce<Max>(largest);
  if (threadIdx.x % kWarp == 0) a.scales[block] = scale;
  const float unit = fmaxf(scale, FLT_MIN);  // a block of zeros has no scale: its shares are 0, not 0 / 0
  for (int run = 0; run < kEach / W; ++run) {
    Pack<uint8_t, W> codes;
    for (int k = 0; k < W; ++k) codes.values[k] = code_of(borders, values[run * W + k] / unit);
    if (first + run * kWarp < n) *reinterpret_cast<Pack<uint8_t, W>*>(a.codes + first + run * kWarp) = codes;
  }
}

template <class T, int W>
__device__ void update_block(const ByteAdamWArgs& a, const AdamWRule& rule, const Tables& tables, int64_t block) {
  const int64_t first = block * kByteMomentBlock + threadIdx.x % kWarp * W, n = a.update.n;
  float m[kEach] = {}, v[kEach] = {};
  read_moment<W>(a.moments[0], tables.map[0], first, n, a.moments[0].scales[block], m);
  read_moment<W>(a.moments[1], tables.map[1], first, n, a.moments[1].scales[block], v);
  for (int run = 0; run < kEach / W; ++run) {
    const int64_t i = first + run * kWarp;
    if (i >= n) continue;
    float w[W], g[W];
    load(static_cast<T*>(a.update.weight) + i, w);
    load(a.update.grad + i, g);
    for (int k = 0; k < W; ++k) {
      ElementState state{m[run * W + k], v[run * W + k]};
      w[k] = updated(rule, w[k], g[k] * a.update.grad_scale, state);
      m[run * W + k] = state.a;
      v[run * W + k] = state.b;
    }
    store_weights(static_cast<T*>(a.update.weight) + i, w, a.update, i);
  }
  write_moment<W>(a.moments[0], tables.borders[0], first, n, block, m);
  write_moment<W>(a.moments[1], tables.borders[1], first, n, block, v);
}

// The last block of a tensor may be a short one: it goes element by element.
template <class T, int W>
__global__ void byte_adamw(ByteAdamWArgs a, AdamWRule rule) {
  __shared__ Tables tables;
  fill(tables, a);
  const int64_t whole = a.update.n / kByteMomentBlock, blocks = (a.update.n + kByteMomentBlock - 1) / kByteMomentBlock;
  const int64_t warps = gridDim.x * static_cast<int64_t>(kWarps);
  for (int64_t block = blockIdx.x * static_cast<int64_t>(kWarps) + threadIdx.x / kWarp; block < blocks;
       block += warps) {
    if (block < whole)
      update_block<T, W>(a, rule, tables, block);
    else
      update_block<T, 1>(a, rule, tables, block);
  }
}

}  // namespace

void update(const ByteAdamWArgs& a, const AdamWRule& rule, cudaStream_t stream) {
  const int64_t needed = (a.update.n + kByteMomentBlock * kWarps - 1) / (kByteMomentBlock * kWarps);
  for_storage(a.update.storage, [&]<class T>() {
    with_packs<float, kEach>(
        {a.update.weight, a.update.grad, a.moments[0].codes, a.moments[1].codes}, {}, [&]<int W>() {
          launch(byte_adamw<T, W>, static_cast<unsigned>(needed < kMostBlocks ? needed : kMostBlocks), stream, a, rule);
        });
  });
}

}  // namespace collie::cuda
