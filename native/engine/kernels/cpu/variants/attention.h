// Causal attention inside one document for one key-value head and the query heads that share it. Scores of a block of
// queries are a matrix product over all keys they may see, with the group's heads folded into the rows (grouped-query
// attention, Ainslie et al. 2023, arXiv 2305.13245); the softmax's log-sum is kept for the backward pass, as in
// FlashAttention (Dao et al. 2022, arXiv 2205.14135), which recomputes the scores. All of it in fp32.
#pragma once

#include "engine/kernels/cpu/variants/activations.h"
#include "engine/kernels/cpu/variants/gemm.h"
#include "engine/kernels/cpu/variants/loss.h"

namespace collie::cpu::COLLIE_CPU_VARIANT {

// Queries [begin, end) of a document and the keys [lo, hi) that at least one of them sees.
struct Block {
  int64_t begin, end, lo, hi, first;  // first: position of query 0 among the keys
  int64_t queries() const { return end - begin; }
  int64_t keys() const { return hi - lo; }
};

COLLIE_INLINE Block make_block(const AttentionArgs& a, int64_t begin, int64_t end) {
  const int64_t first = a.k_len - a.q_len;
  const int64_t lo = a.window ? max_of(0, first + begin - a.window + 1) : 0;
  return {begin, end, lo, first + end, first};
}

// Keys [from, to) that query i of a block sees, relative to the block's first key.
COLLIE_INLINE int64_t sees_from(const AttentionArgs& a, const Block& b, int64_t i) {
  return a.window ? max_of(0, b.first + b.begin + i - a.window + 1 - b.lo) : 0;
}
COLLIE_INLINE int64_t sees_to(const Block& b, int64_t i) { return b.first + b.begin + i + 1 - b.lo; }

template <class T>
COLLIE_INLINE void gather_heads(const T* src, int64_t stride, const AttentionArgs& a, const Block& b, float* dst) {
  for (int64_t g = 0; g < a.group; ++g)
    for (int64_t i = b.begin; i < b.end; ++i, dst += a.head_dim) {
      const T* s = src + i * stride + g * a.head_dim;
#pragma omp simd
      for (int64_t j = 0; j < a.head_dim; ++j) dst[j] = to_float(s[j]);
    }
}

template <class T>
COLLIE_INLINE void scatter_heads(const float* src, T* dst, int64_t stride, const AttentionArgs& a, const Block& b) {
  for (int64_t g = 0; g < a.group; ++g)
    for (int64_t i = b.begin; i < b.end; ++i, src += a.head_dim) {
      T* d = dst + i * stride + g * a.head_dim;
#pragma omp simd
      for (int64_t j = 0; j < a.head_dim; ++j) d[j] = from_float<T>(src[j]);
    }
}

// Scores s become c tanh(scale s / c) / scale: with a soft cap what follows sees capped scores, and scales them.
COLLIE_INLINE void cap_row(const AttentionArgs& a, float* s, int64_t from, int64_t to) {
  if (a.softcap == 0.f) return;
  const float inner = a.scale / a.softcap, outer = a.softcap / a.scale;
#pragma omp simd
  for (int64_t j = from; j < to; ++j) s[j] = outer * tanh_fast(s[j] * inner);
}

// Scores become probabilities, 0 outside [from, to). Returns log(sum(exp(scale * score))).
COLLIE_INLINE float softmax_row(float* s, int64_t from, int64_t to, int64_t n, float scale) {
  const float top = row_max(s + from, to - from) * scale;
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int64_t j = from; j < to; ++j) {
    const float e = exp_fast(s[j] * scale - top);
    s[j] = e;
    sum += e;
  }
  const float inverse = 1.f / sum;
#pragma omp simd
  for (int64_t j = from; j < to; ++j) s[j] *= inverse;
  for (int64_t j = 0; j < from; ++j) s[j] = 0.f;
  for (int64_t j = to; j < n; ++j) s[j] = 0.f;
  return top + __builtin_logf(sum);
}

inline int64_t gemm_floats(int64_t rows, int64_t keys, int64_t dim) {
  const int64_t scores = serial_scratch_floats(rows, keys, dim);
  const int64_t mix = serial_scratch_floats(rows, dim, keys);
  return max_of(max_of(scores, mix), serial_scratch_floats(keys, dim, rows));
}

inline int64_t attention_scratch_floats(const AttentionArgs& a) {
  const int64_t rows = a.group * min_of(a.block, a.q_len);
  const int64_t keys = a.window ? min_of(a.k_len, a.window + a.block) : a.k_len;
  return rows * a.head_dim + rows * keys + gemm_floats(rows, keys, a.head_dim);
}

// A few rows (decoding): every key and value is read once, no packing.
template <class T>
COLLIE_INLINE void attend_few(const AttentionArgs& a, const Block& b, const T* k, const T* v, int64_t rows, float* q,
                              float* s) {
  const int64_t keys = b.keys(), dim = a.head_dim;
  for (int64_t j = 0; j < keys; ++j)
    for (int64_t r = 0; r < rows; ++r) {
      float dot = 0;
      const T* key = k + j * a.kv_stride;
      const float* query = q + r * dim;
#pragma omp simd reduction(+ : dot)
      for (int64_t e = 0; e < dim; ++e) dot += query[e] * to_float(key[e]);
      s[r * keys + j] = dot;
    }
  for (int64_t r = 0; r < rows; ++r) {
    const int64_t from = sees_from(a, b, r % b.queries()), to = sees_to(b, r % b.queries());
    cap_row(a, s + r * keys, from, to);
    softmax_row(s + r * keys, from, to, keys, a.scale);
  }
  for (int64_t i = 0; i < rows * dim; ++i) q[i] = 0.f;
  for (int64_t j = 0; j < keys; ++j)
    for (int64_t r = 0; r < rows; ++r) {
      const float p = s[r * keys + j];
      const T* value = v + j * a.kv_stride;
      float* out = q + r * dim;
#pragma omp simd
      for (int64_t e = 0; e < dim; ++e) out[e] += p * to_float(value[e]);
    }
}

template <class T>
void attention(const AttentionArgs& a, int64_t query_begin, int64_t query_end) {
  for (int64_t begin = query_begin; begin < query_end; begin += a.block) {
    const Block b = make_block(a, begin, min_of(begin + a.block, query_end));
    const int64_t rows = a.group * b.queries(), keys = b.keys(), dim = a.head_dim;
    float* q = a.scratch;
    float* s = q + rows * dim;
    float* pack = s + rows * keys;
    const T* k = static_cast<const T*>(a.k) + b.lo * a.kv_stride;
    const T* v = static_cast<const T*>(a.v) + b.lo * a.kv_stride;
    gather_heads(static_cast<const T*>(a.q), a.q_stride, a, b, q);
    if (!a.lse && rows <= 16) {
      attend_few(a, b, k, v, rows, q, s);
    } else {
      serial_gemm<Write::replace>(rows, keys, dim, q, dim, 1, k, 1, a.kv_stride, s, keys, pack);
      for (int64_t r = 0; r < rows; ++r) {
        const int64_t i = r % b.queries();
        cap_row(a, s + r * keys, sees_from(a, b, i), sees_to(b, i));
        const float lse = softmax_row(s + r * keys, sees_from(a, b, i), sees_to(b, i), keys, a.scale);
        if (a.lse) a.lse[r / b.queries() * a.lse_stride + b.begin + i] = lse;
      }
      serial_gemm<Write::replace>(rows, dim, keys, s, keys, 1, v, a.kv_stride, 1, q, dim, pack);
    }
    scatter_heads(q, static_cast<T*>(a.out), a.out_stride, a, b);
  }
}

inline int64_t attention_backward_scratch_floats(const AttentionArgs& a) {
  const int64_t rows = a.group * min_of(a.block, a.q_len);
  const int64_t keys = a.window ? min_of(a.k_len, a.window + a.block) : a.k_len;
  return 2 * a.k_len * a.head_dim + 3 * rows * a.head_dim + 2 * rows * keys + gemm_floats(rows, keys, a.head_dim);
}

// Scores become probabilities again, dp the gradient of the scores.
COLLIE_INLINE void softmax_backward_row(float* s, float* dp, int64_t from, int64_t to, int64_t n, float scale,
                                        float lse, float delta) {
#pragma omp simd
  for (int64_t j = from; j < to; ++j) {
    const float p = exp_fast(s[j] * scale - lse);
    s[j] = p;
    dp[j] = p * scale * (dp[j] - delta);
  }
  for (int64_t j = 0; j < from; ++j) s[j] = dp[j] = 0.f;
  for (int64_t j = to; j < n; ++j) s[j] = dp[j] = 0.f;
}

// The same with a soft cap, whose derivative is 1 - tanh^2.
COLLIE_INLINE void capped_backward_row(const AttentionArgs& a, float* s, float* dp, int64_t from, int64_t to, int64_t n,
                                       float lse, float delta) {
  const float inner = a.scale / a.softcap;
#pragma omp simd
  for (int64_t j = from; j < to; ++j) {
    const float t = tanh_fast(s[j] * inner), p = exp_fast(t * a.softcap - lse);
    s[j] = p;
    dp[j] = p * a.scale * (dp[j] - delta) * (1.f - t * t);
  }
  for (int64_t j = 0; j < from; ++j) s[j] = dp[j] = 0.f;
  for (int64_t j = to; j < n; ++j) s[j] = dp[j] = 0.f;
}

// Gradients of a whole document for one key-value head. Overwrites dq, dk, dv.
template <class T>
void attention_backward(const AttentionBackwardArgs& args) {
  const AttentionArgs& a = args.forward;
  const int64_t dim = a.head_dim;
  float* dk = a.scratch;
  float* dv = dk + a.k_len * dim;
  float* q = dv + a.k_len * dim;
  for (int64_t i = 0; i < 2 * a.k_len * dim; ++i) dk[i] = 0.f;
  for (int64_t begin = 0; begin < a.q_len; begin += a.block) {
    const Block b = make_block(a, begin, min_of(begin + a.block, a.q_len));
    const int64_t rows = a.group * b.queries(), keys = b.keys();
    float* out = q + rows * dim;
    float* dout = out + rows * dim;
    float* s = dout + rows * dim;
    float* dp = s + rows * keys;
    float* pack = dp + rows * keys;
    const T* k = static_cast<const T*>(a.k) + b.lo * a.kv_stride;
    const T* v = static_cast<const T*>(a.v) + b.lo * a.kv_stride;
    gather_heads(static_cast<const T*>(a.q), a.q_stride, a, b, q);
    gather_heads(static_cast<const T*>(a.out), a.out_stride, a, b, out);
    gather_heads(static_cast<const T*>(args.dout), args.dout_stride, a, b, dout);
    serial_gemm<Write::replace>(rows, keys, dim, q, dim, 1, k, 1, a.kv_stride, s, keys, pack);
    serial_gemm<Write::replace>(rows, keys, dim, dout, dim, 1, v, 1, a.kv_stride, dp, keys, pack);
    for (int64_t r = 0; r < rows; ++r) {
      float delta = 0;
#pragma omp simd reduction(+ : delta)
      for (int64_t e = 0; e < dim; ++e) delta += out[r * dim + e] * dout[r * dim + e];
      const int64_t i = r % b.queries();
      const float lse = a.lse[r / b.queries() * a.lse_stride + b.begin + i];
      if (a.softcap == 0.f)
        softmax_backward_row(s + r * keys, dp + r * keys, sees_from(a, b, i), sees_to(b, i), keys, a.scale, lse, delta);
      else
        capped_backward_row(a, s + r * keys, dp + r * keys, sees_from(a, b, i), sees_to(b, i), keys, lse, delta);
    }
    serial_gemm<Write::add>(keys, dim, rows, s, 1, keys, dout, dim, 1, dv + b.lo * dim, dim, pack);
    serial_gemm<Write::add>(keys, dim, rows, dp, 1, keys, q, dim, 1, dk + b.lo * dim, dim, pack);
    serial_gemm<Write::replace>(rows, dim, keys, dp, keys, 1, k, a.kv_stride, 1, out, dim, pack);
    scatter_heads(out, static_cast<T*>(args.dq), args.dq_stride, a, b);
  }
  for (int64_t j = 0; j < a.k_len; ++j) {
    T* to_k = static_cast<T*>(args.dk) + j * args.dkv_stride;
    T* to_v = static_cast<T*>(args.dv) + j * args.dkv_stride;
#pragma omp simd
    for (int64_t e = 0; e < dim; ++e) to_k[e] = from_float<T>(dk[j * dim + e]);
#pragma omp simd
    for (int64_t e = 0; e < dim; ++e) to_v[e] = from_float<T>(dv[j * dim + e]);
  }
}

}  // namespace collie::cpu::COLLIE_CPU_VARIANT
