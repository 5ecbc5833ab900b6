// Kernels that pick rows or elements: embedding, gather, scatter, dropout.
#include "engine/kernels/cuda/packs.cuh"

namespace collie::cuda {
namespace {

template <class T, int W>
__global__ void gather(RowsArgs a, uint32_t packs, Divisor packs_per_row) {
  COLLIE_EACH_PACK(index, packs) {
    const auto [i, j] = place_of<W>(index, packs_per_row);
    const int32_t row = a.rows[i];
    float values[W] = {};
    if (row >= 0) load(static_cast<const T*>(a.x) + row * a.x_stride + j, values);
    store(static_cast<T*>(a.out) + i * a.out_stride + j, values);
  }
}

template <class T, int W>
__global__ void scatter(RowsArgs a, uint32_t packs, Divisor packs_per_row) {
  COLLIE_EACH_PACK(index, packs) {
    const auto [i, j] = place_of<W>(index, packs_per_row);
    float values[W];
    load(static_cast<const T*>(a.x) + i * a.x_stride + j, values);
    store(static_cast<T*>(a.out) + a.rows[i] * a.out_stride + j, values);
  }
}

// One block a token. The block of an id's first token adds all tokens of that id in order: no atomics, equal bits every time.
template <class T, int W>
__global__ void embedding_gradient(RowsArgs a) {
  const int64_t first = blockIdx.x;
  const int32_t id = a.rows[first];
  if (id < 0) return;
  int32_t earlier = 0;
  for (int64_t i = threadIdx.x; i < first; i += blockDim.x) earlier |= a.rows[i] == id;
  if (__syncthreads_or(earlier)) return;
  float* out = static_cast<float*>(a.out) + id * a.out_stride;
  for (int64_t i = first; i < a.count; ++i) {
    if (a.rows[i] != id) continue;
    for (int64_t j = threadIdx.x * W; j < a.dim; j += blockDim.x * W) {
      float sums[W], x[W];
      load(out + j, sums);
      load(static_cast<const T*>(a.x) + i * a.x_stride + j, x);
      for (int k = 0; k < W; ++k) sums[k] += x[k];
      store(out + j, sums);
    }
  }
}

__device__ uint32_t mix32(uint32_t h) {  // MurmurHash3's finalizer
  h ^= h >> 16;
  h *= 0x85ebca6bu;
  h ^= h >> 13;
  h *= 0xc2b2ae35u;
  return h ^ (h >> 16);
}

// The same mask as on the CPU: a pure function of key, row and column.
template <class T, int W>
__global__ void dropout_elements(DropoutArgs a, DropoutInto into, uint32_t packs, Divisor packs_per_row) {
  const float keep = 1.f / (1.f - a.rate);
  const uint32_t threshold = static_cast<uint32_t>(static_cast<double>(a.rate) * 4294967296.0);
  COLLIE_EACH_PACK(index, packs) {
    const auto [i, j] = place_of<W>(index, packs_per_row);
    const uint64_t row_key = (a.key + static_cast<uint64_t>(i)) * 0x9e3779b97f4a7c15ull;
    const uint32_t low = mix32(static_cast<uint32_t>(row_key));
    const uint32_t high = mix32(static_cast<uint32_t>(row_key >> 32) ^ low);
    T* y = static_cast<T*>(a.y) + i * a.y_stride + j;
    float values[W], sums[W] = {};
    load(static_cast<const T*>(a.x) + i * a.x_stride + j, values);
    if (into == DropoutInto::add) load(y, sums);
    for (int k = 0; k < W; ++k) {
      const uint32_t random = mix32(mix32((static_cast<uint32_t>(j + k + a.first_column) * 0x9e3779b1u) ^ low) + high);
      sums[k] += random >= threshold ? values[k] * keep : 0.f;
    }
    store(y, sums);
  }
}

// Calls launch_packs with W for the elements of [rows, cols] of two matrices.
template <class T, class Launch>
void for_row_packs(const void* x, int64_t x_stride, const void* y, int64_t y_stride, int64_t rows, int64_t cols,
                   Launch launch_packs) {
  with_packs<T>({x, y}, {cols, x_stride, y_stride}, [&]<int W>() {
    const int64_t per_row = cols / W;
    launch_packs.template operator()<W>(packs_in(rows, per_row), Divisor(per_row));
  });
}

}  // namespace

void gather_rows(const RowsArgs& a, cudaStream_t stream) {
  for_storage(a.storage, [&]<class T>() {
    for_row_packs<T>(a.x, a.x_stride, a.out, a.out_stride, a.count, a.dim, [&]<int W>(uint32_t packs, Divisor per_row) {
      launch(gather<T, W>, blocks_for(packs), stream, a, packs, per_row);
    });
  });
}

void scatter_rows(const RowsArgs& a, cudaStream_t stream) {
  for_storage(a.storage, [&]<class T>() {
    for_row_packs<T>(a.x, a.x_stride, a.out, a.out_stride, a.count, a.dim, [&]<int W>(uint32_t packs, Divisor per_row) {
      launch(scatter<T, W>, blocks_for(packs), stream, a, packs, per_row);
    });
  });
}

void embedding_backward(const RowsArgs& a, cudaStream_t stream) {
  for_storage(a.storage, [&]<class T>() {
    with_packs<T>({a.x, a.out}, {a.dim, a.x_stride, a.out_stride},
                  [&]<int W>() { launch(embedding_gradient<T, W>, static_cast<unsigned>(a.count), stream, a); });
  });
}

void dropout(const DropoutArgs& a, DropoutInto into, cudaStream_t stream) {
  for_storage(a.storage, [&]<class T>() {
    for_row_packs<T>(a.x, a.x_stride, a.y, a.y_stride, a.rows, a.cols, [&]<int W>(uint32_t packs, Divisor per_row) {
      launch(dropout_elements<T, W>, blocks_for(packs), stream, a, into, packs, per_row);
    });
  });
}

}  // namespace collie::cuda
