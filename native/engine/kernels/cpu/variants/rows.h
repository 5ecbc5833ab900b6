// Loops over rows of a [rows, dim] buffer: norm, rotary embedding, gated activation, dropout.
#pragma once

#include "engine/kernels/cpu/args.h"
#include "engine/kernels/cpu/variants/simd.h"

namespace collie::cpu::COLLIE_CPU_VARIANT {

// y = (x + residual) * rstd * weight (RMSNorm, Zhang and Sennrich 2019, arXiv 1910.07467). The norm sees the sum as it is
// stored: a recomputation from sum_out gives the same bits.
template <class T>
void rms_norm(const RmsNormArgs& a, int64_t begin, int64_t end) {
  const T* weight = static_cast<const T*>(a.weight);
  for (int64_t i = begin; i < end; ++i) {
    const T* x = static_cast<const T*>(a.x) + i * a.dim;
    if (a.residual) {
      const T* r = static_cast<const T*>(a.residual) + i * a.residual_stride;
      T* sum = static_cast<T*>(a.sum_out) + i * a.dim;
#pragma omp simd
      for (int64_t j = 0; j < a.dim; ++j) sum[j] = from_float<T>(to_float(x[j]) + to_float(r[j]));
      x = sum;
    }
    float square = 0;
#pragma omp simd reduction(+ : square)
    for (int64_t j = 0; j < a.dim; ++j) square += to_float(x[j]) * to_float(x[j]);
    const float rstd = 1.f / __builtin_sqrtf(square / static_cast<float>(a.dim) + a.eps);
    if (a.rstd) a.rstd[i] = rstd;
    T* y = static_cast<T*>(a.y) + i * a.y_stride;
#pragma omp simd
    for (int64_t j = 0; j < a.dim; ++j) y[j] = from_float<T>(to_float(x[j]) * rstd * (a.offset + to_float(weight[j])));
  }
}

// dx += rstd (g - x rstd^2 mean(g x)), g = dy weight.
template <class T>
void rms_norm_backward(const RmsNormBackwardArgs& a, int64_t begin, int64_t end) {
  const T* weight = static_cast<const T*>(a.weight);
  for (int64_t i = begin; i < end; ++i) {
    const T* x = static_cast<const T*>(a.x) + i * a.dim;
    const T* dy = static_cast<const T*>(a.dy) + i * a.dy_stride;
    T* dx = static_cast<T*>(a.dx) + i * a.dim;
    float dot = 0;
#pragma omp simd reduction(+ : dot)
    for (int64_t j = 0; j < a.dim; ++j) dot += to_float(dy[j]) * (a.offset + to_float(weight[j])) * to_float(x[j]);
    const float rstd = a.rstd[i], k = dot * rstd * rstd * rstd / static_cast<float>(a.dim);
#pragma omp simd
    for (int64_t j = 0; j < a.dim; ++j) {
      const float g = to_float(dy[j]) * (a.offset + to_float(weight[j])) * rstd - to_float(x[j]) * k;
      dx[j] = from_float<T>(to_float(dx[j]) + g);
    }
  }
}

// dweight += sum over rows of dy x rstd, for a range of columns: the order of the sum never depends on threads.
template <class T>
void rms_norm_weight_backward(const RmsNormBackwardArgs& a, int64_t begin, int64_t end) {
  for (int64_t i = 0; i < a.rows; ++i) {
    const T* x = static_cast<const T*>(a.x) + i * a.dim;
    const T* dy = static_cast<const T*>(a.dy) + i * a.dy_stride;
    const float rstd = a.rstd[i];
    float* out = a.dweight;
#pragma omp simd
    for (int64_t j = begin; j < end; ++j) out[j] += to_float(dy[j]) * to_float(x[j]) * rstd;
  }
}

// Rotates the pairs (j, j + half) of every head (RoPE, Su et al. 2021, arXiv 2104.09864), in place.
template <class T>
void rotary(const RotaryArgs& a, int64_t begin, int64_t end) {
  const int64_t half = a.half;
  for (int64_t i = begin; i < end; ++i) {
    const float* c = a.cos + a.positions[i] * half;
    const float* s = a.sin + a.positions[i] * half;
    for (int64_t h = 0; h < a.heads; ++h) {
      T* lo = static_cast<T*>(a.x) + i * a.x_stride + h * a.head_dim;
      T* hi = lo + half;
#pragma omp simd
      for (int64_t j = 0; j < half; ++j) {
        const float x = to_float(lo[j]), y = to_float(hi[j]), sine = s[j] * a.sign;
        lo[j] = from_float<T>(x * c[j] - y * sine);
        hi[j] = from_float<T>(y * c[j] + x * sine);
      }
    }
  }
}

// The same for the pairs (2 j, 2 j + 1).
template <class T>
void rotary_adjacent(const RotaryArgs& a, int64_t begin, int64_t end) {
  for (int64_t i = begin; i < end; ++i) {
    const float* c = a.cos + a.positions[i] * a.half;
    const float* s = a.sin + a.positions[i] * a.half;
    for (int64_t h = 0; h < a.heads; ++h) {
      T* head = static_cast<T*>(a.x) + i * a.x_stride + h * a.head_dim;
      for (int64_t j = 0; j < a.half; ++j) {
        const float x = to_float(head[2 * j]), y = to_float(head[2 * j + 1]), sine = s[j] * a.sign;
        head[2 * j] = from_float<T>(x * c[j] - y * sine);
        head[2 * j + 1] = from_float<T>(y * c[j] + x * sine);
      }
    }
  }
}

// y = silu(gate) * up (SwiGLU, Shazeer 2020, arXiv 2002.05202).
template <class T>
void swiglu(const SwigluArgs& a, int64_t begin, int64_t end) {
  for (int64_t i = begin; i < end; ++i) {
    const T* gate = static_cast<const T*>(a.gate_up) + i * 2 * a.dim;
    const T* up = gate + a.dim;
    T* y = static_cast<T*>(a.y) + i * a.y_stride;
#pragma omp simd
    for (int64_t j = 0; j < a.dim; ++j) {
      const float g = to_float(gate[j]);
      y[j] = from_float<T>(g * sigmoid(g) * to_float(up[j]));
    }
  }
}

template <class T>
void swiglu_backward(const SwigluArgs& a, int64_t begin, int64_t end) {
  for (int64_t i = begin; i < end; ++i) {
    T* gate = static_cast<T*>(a.gate_up) + i * 2 * a.dim;
    T* up = gate + a.dim;
    const T* dy = static_cast<const T*>(a.y) + i * a.y_stride;
#pragma omp simd
    for (int64_t j = 0; j < a.dim; ++j) {
      const float g = to_float(gate[j]), u = to_float(up[j]), d = to_float(dy[j]), s = sigmoid(g);
      up[j] = from_float<T>(d * g * s);
      gate[j] = from_float<T>(d * u * s * (1.f + g * (1.f - s)));
    }
  }
}

COLLIE_INLINE uint32_t mix32(uint32_t h) {  // MurmurHash3's finalizer
  h ^= h >> 16;
  h *= 0x85ebca6bu;
  h ^= h >> 13;
  h *= 0xc2b2ae35u;
  return h ^ (h >> 16);
}

// Keep-or-drop of an element is a pure function of key, row and column: the backward pass asks again instead of storing
// masks, and threads do not matter.
template <class T, bool Add>
void dropout_rows(const DropoutArgs& a, int64_t begin, int64_t end) {
  const float keep = 1.f / (1.f - a.rate);
  const uint32_t threshold = static_cast<uint32_t>(static_cast<double>(a.rate) * 4294967296.0);
  for (int64_t i = begin; i < end; ++i) {
    const T* x = static_cast<const T*>(a.x) + i * a.x_stride;
    T* y = static_cast<T*>(a.y) + i * a.y_stride;
    const uint64_t row_key = (a.key + static_cast<uint64_t>(i)) * 0x9e3779b97f4a7c15ull;
    const uint32_t low = mix32(static_cast<uint32_t>(row_key)),
                   high = mix32(static_cast<uint32_t>(row_key >> 32) ^ low);
#pragma omp simd
    for (int64_t j = 0; j < a.cols; ++j) {
      const uint32_t random = mix32(mix32(static_cast<uint32_t>(j + a.first_column) * 0x9e3779b1u ^ low) + high);
      const float value = random >= threshold ? to_float(x[j]) * keep : 0.f;
      y[j] = from_float<T>(Add ? to_float(y[j]) + value : value);
    }
  }
}

}  // namespace collie::cpu::COLLIE_CPU_VARIANT
