// GELU (Hendrycks and Gimpel 2016, arXiv 1606.08415), exact and by tanh, and others; gated, y = f(gate) up (Shazeer 2020, arXiv 2002.05202),
// and plain; and soft caps.
#pragma once

#include "engine/kernels/cpu/args.h"
#include "engine/kernels/cpu/variants/simd.h"

namespace collie::cpu::COLLIE_CPU_VARIANT {

COLLIE_INLINE float tanh_fast(float x) { return 1.f - 2.f / (exp_fast(2.f * x) + 1.f); }

struct GeluTanh {
  static constexpr float kRoot = 0.7978845608f, kCube = 0.044715f;  // sqrt(2 / pi)
  COLLIE_INLINE static float inner(float x) { return tanh_fast(kRoot * (x + kCube * x * x * x)); }
  COLLIE_INLINE static float value(float x) { return 0.5f * x * (1.f + inner(x)); }
  COLLIE_INLINE static float derivative(float x) {
    const float t = inner(x);
    return 0.5f * (1.f + t) + 0.5f * x * (1.f - t * t) * kRoot * (1.f + 3.f * kCube * x * x);
  }
};

struct GeluErf {
  COLLIE_INLINE static float share(float x) { return 0.5f * (1.f + __builtin_erff(x * 0.70710678118f)); }
  COLLIE_INLINE static float value(float x) { return x * share(x); }
  COLLIE_INLINE static float derivative(float x) { return share(x) + x * 0.39894228040f * exp_fast(-0.5f * x * x); }
};

struct Silu {
  COLLIE_INLINE static float value(float x) { return x * sigmoid(x); }
  COLLIE_INLINE static float derivative(float x) {
    const float s = sigmoid(x);
    return s * (1.f + x * (1.f - s));
  }
};

struct Relu {
  COLLIE_INLINE static float value(float x) { return x > 0.f ? x : 0.f; }
  COLLIE_INLINE static float derivative(float x) { return x > 0.f ? 1.f : 0.f; }
};

template <class T, class Activation>
void activate(const ActivationArgs& a, int64_t begin, int64_t end) {
  for (int64_t i = begin; i < end; ++i) {
    const T* x = static_cast<const T*>(a.x) + i * a.dim;
    T* y = static_cast<T*>(a.y) + i * a.y_stride;
#pragma omp simd
    for (int64_t j = 0; j < a.dim; ++j) y[j] = from_float<T>(Activation::value(to_float(x[j])));
  }
}

template <class T, class Activation>
void activate_backward(const ActivationArgs& a, int64_t begin, int64_t end) {
  for (int64_t i = begin; i < end; ++i) {
    T* x = static_cast<T*>(a.x) + i * a.dim;
    const T* dy = static_cast<const T*>(a.y) + i * a.y_stride;
#pragma omp simd
    for (int64_t j = 0; j < a.dim; ++j) x[j] = from_float<T>(to_float(dy[j]) * Activation::derivative(to_float(x[j])));
  }
}

template <class T, class Activation>
void gated(const SwigluArgs& a, int64_t begin, int64_t end) {
  for (int64_t i = begin; i < end; ++i) {
    const T* gate = static_cast<const T*>(a.gate_up) + i * 2 * a.dim;
    T* y = static_cast<T*>(a.y) + i * a.y_stride;
#pragma omp simd
    for (int64_t j = 0; j < a.dim; ++j)
      y[j] = from_float<T>(Activation::value(to_float(gate[j])) * to_float(gate[j + a.dim]));
  }
}

template <class T, class Activation>
void gated_backward(const SwigluArgs& a, int64_t begin, int64_t end) {
  for (int64_t i = begin; i < end; ++i) {
    T* gate = static_cast<T*>(a.gate_up) + i * 2 * a.dim;
    T* up = gate + a.dim;
    const T* dy = static_cast<const T*>(a.y) + i * a.y_stride;
#pragma omp simd
    for (int64_t j = 0; j < a.dim; ++j) {
      const float g = to_float(gate[j]), u = to_float(up[j]), d = to_float(dy[j]);
      up[j] = from_float<T>(d * Activation::value(g));
      gate[j] = from_float<T>(d * u * Activation::derivative(g));
    }
  }
}

// y = c tanh(y / c).
template <class T>
void soft_cap(const SoftCapArgs& a, int64_t begin, int64_t end) {
  for (int64_t i = begin; i < end; ++i) {
    T* y = static_cast<T*>(a.y) + i * a.y_stride;
#pragma omp simd
    for (int64_t j = 0; j < a.cols; ++j) y[j] = from_float<T>(a.cap * tanh_fast(to_float(y[j]) / a.cap));
  }
}

template <class T>
void soft_cap_backward(const SoftCapArgs& a, int64_t begin, int64_t end) {
  for (int64_t i = begin; i < end; ++i) {
    const T* y = static_cast<const T*>(a.y) + i * a.y_stride;
    T* dx = static_cast<T*>(a.dx) + i * a.dx_stride;
#pragma omp simd
    for (int64_t j = 0; j < a.cols; ++j) {
      const float share = to_float(y[j]) / a.cap;
      dx[j] = from_float<T>(to_float(dx[j]) * (1.f - share * share));
    }
  }
}

}  // namespace collie::cpu::COLLIE_CPU_VARIANT
