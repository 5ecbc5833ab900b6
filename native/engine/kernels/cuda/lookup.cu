// Kernels that pick rows or elements: embedding, gather, scatter, dropout.
#include "engine/kernels/cuda/device.cuh"

namespace collie::cuda {
namespace {

template <class T>
__global__ void gather(RowsArgs a) {
  COLLIE_GRID_STRIDE(index, a.count * a.dim) {
    const int64_t i = index / a.dim, j = index % a.dim;
    T* out = static_cast<T*>(a.out) + i * a.out_stride + j;
    *out = a.rows[i] < 0 ? from_float<T>(0.f) : static_cast<const T*>(a.x)[a.rows[i] * a.x_stride + j];
  }
}

template <class T>
__global__ void scatter(RowsArgs a) {
  COLLIE_GRID_STRIDE(index, a.count * a.dim) {
    const int64_t i = index / a.dim, j = index % a.dim;
    static_cast<T*>(a.out)[a.rows[i] * a.out_stride + j] = static_cast<const T*>(a.x)[i * a.x_stride + j];
  }
}

// One block a token. The block of an id's first token adds all tokens of that id in order: no atomics, equal bits every time.
template <class T>
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
    for (int64_t j = threadIdx.x; j < a.dim; j += blockDim.x)
      out[j] += to_float(static_cast<const T*>(a.x)[i * a.x_stride + j]);
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
template <class T>
__global__ void dropout_elements(DropoutArgs a, DropoutInto into) {
  const float keep = 1.f / (1.f - a.rate);
  const uint32_t threshold = static_cast<uint32_t>(static_cast<double>(a.rate) * 4294967296.0);
  COLLIE_GRID_STRIDE(index, a.rows * a.cols) {
    const int64_t i = index / a.cols, j = index % a.cols;
    const uint64_t row_key = (a.key + static_cast<uint64_t>(i)) * 0x9e3779b97f4a7c15ull;
    const uint32_t low = mix32(static_cast<uint32_t>(row_key));
    const uint32_t high = mix32(static_cast<uint32_t>(row_key >> 32) ^ low);
    const uint32_t random = mix32(mix32((static_cast<uint32_t>(j + a.first_column) * 0x9e3779b1u) ^ low) + high);
    const float value = random >= threshold ? to_float(static_cast<const T*>(a.x)[i * a.x_stride + j]) * keep : 0.f;
    T* y = static_cast<T*>(a.y) + i * a.y_stride + j;
    *y = from_float<T>(into == DropoutInto::add ? to_float(*y) + value : value);
  }
}

}  // namespace

void gather_rows(const RowsArgs& a, cudaStream_t stream) {
  for_storage(a.storage, [&]<class T>() { launch(gather<T>, blocks_for(a.count * a.dim), stream, a); });
}

void scatter_rows(const RowsArgs& a, cudaStream_t stream) {
  for_storage(a.storage, [&]<class T>() { launch(scatter<T>, blocks_for(a.count * a.dim), stream, a); });
}

void embedding_backward(const RowsArgs& a, cudaStream_t stream) {
  for_storage(a.storage,
              [&]<class T>() { launch(embedding_gradient<T>, static_cast<unsigned>(a.count), stream, a); });
}

void dropout(const DropoutArgs& a, DropoutInto into, cudaStream_t stream) {
  for_storage(a.storage, [&]<class T>() { launch(dropout_elements<T>, blocks_for(a.rows * a.cols), stream, a, into); });
}

}  // namespace collie::cuda
