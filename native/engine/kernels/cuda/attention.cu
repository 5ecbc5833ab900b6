// Causal attention over documents in fp32 arithmetic, one warp a query (forward, dq) or a key (dk, dv). No tensor cores and
// no atomics: exact and the same bits every time. bf16 runs take libtorch's fused kernels instead (cuda_attention.cpp).
#include "engine/kernels/cuda/device.cuh"

namespace collie::cuda {
namespace {

constexpr int kMaxPerLane = kMaxHeadDim / kWarp;  // elements of a head that one lane holds
constexpr int kWarps = kThreads / kWarp;

// Document of a row: binary search in the offsets.
__device__ int64_t document_start(const AttentionArgs& a, int64_t row, int64_t* end) {
  int64_t low = 0, high = a.documents;
  while (high - low > 1) {
    const int64_t middle = (low + high) / 2;
    (a.offsets[middle] <= row ? low : high) = middle;
  }
  *end = a.offsets[low + 1];
  return a.offsets[low];
}

template <class T>
__device__ void load_head(const void* base, int64_t offset, int64_t head_dim, float (&values)[kMaxPerLane]) {
  const T* p = static_cast<const T*>(base) + offset;
  for (int e = 0; e < kMaxPerLane; ++e) {
    const int64_t j = e * kWarp + threadIdx.x % kWarp;
    values[e] = j < head_dim ? to_float(p[j]) : 0.f;
  }
}

template <class T>
__device__ void store_head(void* base, int64_t offset, int64_t head_dim, const float (&values)[kMaxPerLane]) {
  T* p = static_cast<T*>(base) + offset;
  for (int e = 0; e < kMaxPerLane; ++e) {
    const int64_t j = e * kWarp + threadIdx.x % kWarp;
    if (j < head_dim) p[j] = from_float<T>(values[e]);
  }
}

__device__ float dot(const float (&a)[kMaxPerLane], const float (&b)[kMaxPerLane]) {
  float sum = 0;
  for (int e = 0; e < kMaxPerLane; ++e) sum += a[e] * b[e];
  return warp_reduce<Sum>(sum);
}

// The scaled score, capped where the model caps it; `slope` is what the cap does to gradients.
__device__ float capped(const AttentionArgs& a, float product, float* slope) {
  const float score = product * a.scale;
  *slope = 1.f;
  if (a.softcap == 0.f) return score;
  const float t = tanhf(score / a.softcap);
  *slope = 1.f - t * t;
  return a.softcap * t;
}

__device__ int64_t warp_index() { return blockIdx.x * static_cast<int64_t>(kWarps) + threadIdx.x / kWarp; }

// First key that the query at absolute position i of a document starting at `start` may see.
__device__ int64_t first_key(const AttentionArgs& a, int64_t start, int64_t i) {
  return a.window > 0 && i - a.window + 1 > start ? i - a.window + 1 : start;
}

// Softmax over the keys in one pass with a running maximum (Milakov and Gimelshein 2018, arXiv 1805.02867).
template <class T>
__global__ void forward_queries(AttentionArgs a) {
  const int64_t index = warp_index();
  if (index >= a.rows * a.heads) return;
  const int64_t row = index / a.heads, head = index % a.heads, kv = head / (a.heads / a.kv_heads);
  int64_t end;
  const int64_t start = document_start(a, row, &end);
  const int64_t position = row + a.past;
  float q[kMaxPerLane], k[kMaxPerLane], v[kMaxPerLane], out[kMaxPerLane] = {};
  load_head<T>(a.q, row * a.q_stride + head * a.head_dim, a.head_dim, q);
  float top = -INFINITY, sum = 0;
  for (int64_t j = first_key(a, start, position); j <= position; ++j) {
    load_head<T>(a.k, j * a.kv_stride + kv * a.head_dim, a.head_dim, k);
    load_head<T>(a.v, j * a.kv_stride + kv * a.head_dim, a.head_dim, v);
    float slope;
    const float score = capped(a, dot(q, k), &slope);
    const float new_top = fmaxf(top, score), shrink = expf(top - new_top), p = expf(score - new_top);
    for (int e = 0; e < kMaxPerLane; ++e) out[e] = out[e] * shrink + p * v[e];
    sum = sum * shrink + p;
    top = new_top;
  }
  for (float& value : out) value /= sum;
  store_head<T>(a.out, row * a.out_stride + head * a.head_dim, a.head_dim, out);
  if (a.lse && threadIdx.x % kWarp == 0) a.lse[head * a.rows + row] = top + logf(sum);
}

// dq, and delta = dout . out for the kernel of the keys.
template <class T>
__global__ void backward_queries(AttentionBackwardArgs b) {
  const AttentionArgs& a = b.forward;
  const int64_t index = warp_index();
  if (index >= a.rows * a.heads) return;
  const int64_t row = index / a.heads, head = index % a.heads, kv = head / (a.heads / a.kv_heads);
  int64_t end;
  const int64_t start = document_start(a, row, &end);
  float q[kMaxPerLane], k[kMaxPerLane], v[kMaxPerLane], dout[kMaxPerLane], out[kMaxPerLane], dq[kMaxPerLane] = {};
  load_head<T>(a.q, row * a.q_stride + head * a.head_dim, a.head_dim, q);
  load_head<T>(b.dout, row * b.dout_stride + head * a.head_dim, a.head_dim, dout);
  load_head<T>(a.out, row * a.out_stride + head * a.head_dim, a.head_dim, out);
  const float delta = dot(dout, out), lse = a.lse[head * a.rows + row];
  if (threadIdx.x % kWarp == 0) b.delta[head * a.rows + row] = delta;
  for (int64_t j = first_key(a, start, row); j <= row; ++j) {
    load_head<T>(a.k, j * a.kv_stride + kv * a.head_dim, a.head_dim, k);
    load_head<T>(a.v, j * a.kv_stride + kv * a.head_dim, a.head_dim, v);
    float slope;
    const float p = expf(capped(a, dot(q, k), &slope) - lse);
    const float ds = p * (dot(dout, v) - delta) * a.scale * slope;
    for (int e = 0; e < kMaxPerLane; ++e) dq[e] += ds * k[e];
  }
  store_head<T>(b.dq, row * b.dqkv_stride + head * a.head_dim, a.head_dim, dq);
}

template <class T>
__global__ void backward_keys(AttentionBackwardArgs b) {
  const AttentionArgs& a = b.forward;
  const int64_t index = warp_index();
  if (index >= a.rows * a.kv_heads) return;
  const int64_t key = index / a.kv_heads, kv = index % a.kv_heads, group = a.heads / a.kv_heads;
  int64_t end;
  document_start(a, key, &end);
  const int64_t last = a.window > 0 && key + a.window < end ? key + a.window : end;
  float q[kMaxPerLane], k[kMaxPerLane], v[kMaxPerLane], dout[kMaxPerLane], dk[kMaxPerLane] = {}, dv[kMaxPerLane] = {};
  load_head<T>(a.k, key * a.kv_stride + kv * a.head_dim, a.head_dim, k);
  load_head<T>(a.v, key * a.kv_stride + kv * a.head_dim, a.head_dim, v);
  for (int64_t row = key; row < last; ++row) {
    for (int64_t head = kv * group; head < (kv + 1) * group; ++head) {
      load_head<T>(a.q, row * a.q_stride + head * a.head_dim, a.head_dim, q);
      load_head<T>(b.dout, row * b.dout_stride + head * a.head_dim, a.head_dim, dout);
      float slope;
      const float p = expf(capped(a, dot(q, k), &slope) - a.lse[head * a.rows + row]);
      const float ds = p * (dot(dout, v) - b.delta[head * a.rows + row]) * a.scale * slope;
      for (int e = 0; e < kMaxPerLane; ++e) {
        dv[e] += p * dout[e];
        dk[e] += ds * q[e];
      }
    }
  }
  store_head<T>(b.dk, key * b.dqkv_stride + kv * a.head_dim, a.head_dim, dk);
  store_head<T>(b.dv, key * b.dqkv_stride + kv * a.head_dim, a.head_dim, dv);
}

unsigned warp_blocks(int64_t warps) { return static_cast<unsigned>((warps + kWarps - 1) / kWarps); }

}  // namespace

void attention(const AttentionArgs& a, cudaStream_t stream) {
  for_storage(a.storage, [&]<class T>() { launch(forward_queries<T>, warp_blocks(a.rows * a.heads), stream, a); });
}

void attention_backward(const AttentionBackwardArgs& b, cudaStream_t stream) {
  const AttentionArgs& a = b.forward;
  for_storage(a.storage, [&]<class T>() {
    launch(backward_queries<T>, warp_blocks(a.rows * a.heads), stream, b);
    launch(backward_keys<T>, warp_blocks(a.rows * a.kv_heads), stream, b);
  });
}

}  // namespace collie::cuda
