// Activations, gated and plain, and soft caps; a thread a pack of elements.
#include "engine/kernels/cuda/packs.cuh"

namespace collie::cuda {
namespace {

// Value and slope of an activation.
struct Silu {
  __device__ static float value(float x) { return x * sigmoid(x); }
  __device__ static float value_and_slope(float x, float* slope) {
    const float s = sigmoid(x);
    *slope = s * (1.f + x * (1.f - s));
    return x * s;
  }
  __device__ static float sigmoid(float x) { return 1.f / (1.f + __expf(-x)); }
};

struct GeluTanh {
  static constexpr float kRoot = 0.7978845608f, kCube = 0.044715f;  // sqrt(2 / pi)
  __device__ static float inner(float x) { return tanhf(kRoot * (x + kCube * x * x * x)); }
  __device__ static float value(float x) { return 0.5f * x * (1.f + inner(x)); }
  __device__ static float value_and_slope(float x, float* slope) {
    const float t = inner(x);
    *slope = 0.5f * (1.f + t) + 0.5f * x * (1.f - t * t) * kRoot * (1.f + 3.f * kCube * x * x);
    return 0.5f * x * (1.f + t);
  }
};

struct GeluErf {
  __device__ static float share(float x) { return 0.5f * (1.f + erff(x * 0.70710678118f)); }
  __device__ static float value(float x) { return x * share(x); }
  __device__ static float value_and_slope(float x, float* slope) {
    const float s = share(x);
    *slope = s + x * 0.39894228040f * expf(-0.5f * x * x);
    return x * s;
  }
};

struct Relu {
  __device__ static float value(float x) { return x > 0.f ? x : 0.f; }
  __device__ static float value_and_slope(float x, float* slope) {
    *slope = x > 0.f ? 1.f : 0.f;
    return value(x);
  }
};

template <class T, int W, class F>
__global__ void activated_elements(ActivationArgs a, uint32_t packs, Divisor packs_per_row) {
  COLLIE_EACH_PACK(index, packs) {
    const auto [i, j] = place_of<W>(index, packs_per_row);
    float x[W];
    load(static_cast<const T*>(a.x) + i * a.x_stride + j, x);
    for (int k = 0; k < W; ++k) x[k] = F::value(x[k]);
    store(static_cast<T*>(a.y) + i * a.y_stride + j, x);
  }
}

template <class T, int W, class F>
__global__ void activated_backward_elements(ActivationArgs a, uint32_t packs, Divisor packs_per_row) {
  COLLIE_EACH_PACK(index, packs) {
    const auto [i, j] = place_of<W>(index, packs_per_row);
    T* at = static_cast<T*>(a.x) + i * a.x_stride + j;
    float x[W], d[W];
    load(at, x);
    load(static_cast<const T*>(a.y) + i * a.y_stride + j, d);
    for (int k = 0; k < W; ++k) {
      float slope;
      F::value_and_slope(x[k], &slope);
      x[k] = d[k] * slope;
    }
    store(at, x);
  }
}

template <class T, int W, class F>
__global__ void gated_elements(GatedArgs a, uint32_t packs, Divisor packs_per_row) {
  COLLIE_EACH_PACK(index, packs) {
    const auto [i, j] = place_of<W>(index, packs_per_row);
    const T* gate = static_cast<const T*>(a.gate_up) + i * a.gate_up_stride + j;
    float g[W], u[W];
    load(gate, g);
    load(gate + a.dim, u);
    for (int k = 0; k < W; ++k) g[k] = F::value(g[k]) * u[k];
    store(static_cast<T*>(a.y) + i * a.y_stride + j, g);
  }
}

template <class T, int W, class F>
__global__ void gated_backward_elements(GatedArgs a, uint32_t packs, Divisor packs_per_row) {
  COLLIE_EACH_PACK(index, packs) {
    const auto [i, j] = place_of<W>(index, packs_per_row);
    T* gate = static_cast<T*>(a.gate_up) + i * a.gate_up_stride + j;
    float g[W], u[W], d[W];
    load(gate, g);
    load(gate + a.dim, u);
    load(static_cast<const T*>(a.y) + i * a.y_stride + j, d);
    for (int k = 0; k < W; ++k) {
      float slope;
      const float up = d[k] * F::value_and_slope(g[k], &slope);
      g[k] = d[k] * u[k] * slope;
      u[k] = up;
    }
    store(gate, g);
    store(gate + a.dim, u);
  }
}

template <class T, int W>
__global__ void soft_cap_elements(SoftCapArgs a, uint32_t packs, Divisor packs_per_row) {
  COLLIE_EACH_PACK(index, packs) {
    const auto [i, j] = place_of<W>(index, packs_per_row);
    T* at = static_cast<T*>(a.y) + i * a.y_stride + j;
    float y[W];
    load(at, y);
    for (int k = 0; k < W; ++k) y[k] = a.cap * tanhf(y[k] / a.cap);
    store(at, y);
  }
}

template <class T, int W>
__global__ void soft_cap_backward_elements(SoftCapArgs a, uint32_t packs, Divisor packs_per_row) {
  COLLIE_EACH_PACK(index, packs) {
    const auto [i, j] = place_of<W>(index, packs_per_row);
    T* at = static_cast<T*>(a.dx) + i * a.dx_stride + j;
    float y[W], d[W];
    load(static_cast<const T*>(a.y) + i * a.y_stride + j, y);
    load(at, d);
    for (int k = 0; k < W; ++k) d[k] *= 1.f - (y[k] / a.cap) * (y[k] / a.cap);
    store(at, d);
  }
}

template <class Run>
void for_activation(Activation activation, Run run) {
  switch (activation) {
    case Activation::silu:
      return run.template operator()<Silu>();
    case Activation::gelu_tanh:
      return run.template operator()<GeluTanh>();
    case Activation::gelu_erf:
      return run.template operator()<GeluErf>();
    case Activation::relu:
      return run.template operator()<Relu>();
  }
}

template <class T, class Launch>
void for_gated_packs(const GatedArgs& a, Launch launch_packs) {
  with_packs<T>({a.gate_up, a.y}, {a.dim, a.gate_up_stride, a.y_stride}, [&]<int W>() {
    const int64_t per_row = a.dim / W;
    launch_packs.template operator()<W>(packs_in(a.rows, per_row), Divisor(per_row));
  });
}

template <class T, class Launch>
void for_activated_packs(const ActivationArgs& a, Launch launch_packs) {
  with_packs<T>({a.x, a.y}, {a.dim, a.x_stride, a.y_stride}, [&]<int W>() {
    const int64_t per_row = a.dim / W;
    launch_packs.template operator()<W>(packs_in(a.rows, per_row), Divisor(per_row));
  });
}

template <class T, class Launch>
void for_cap_packs(const SoftCapArgs& a, Launch launch_packs) {
  with_packs<T>({a.y, a.dx}, {a.cols, a.y_stride, a.dx_stride}, [&]<int W>() {
    const int64_t per_row = a.cols / W;
    launch_packs.template operator()<W>(packs_in(a.rows, per_row), Divisor(per_row));
  });
}

}  // namespace

void activate(const ActivationArgs& a, cudaStream_t stream) {
  for_storage(a.storage, [&]<class T>() {
    for_activation(a.activation, [&]<class F>() {
      for_activated_packs<T>(a, [&]<int W>(uint32_t packs, Divisor per_row) {
        launch(activated_elements<T, W, F>, blocks_for(packs), stream, a, packs, per_row);
      });
    });
  });
}

void activate_backward(const ActivationArgs& a, cudaStream_t stream) {
  for_storage(a.storage, [&]<class T>() {
    for_activation(a.activation, [&]<class F>() {
      for_activated_packs<T>(a, [&]<int W>(uint32_t packs, Divisor per_row) {
        launch(activated_backward_elements<T, W, F>, blocks_for(packs), stream, a, packs, per_row);
      });
    });
  });
}

void gated(const GatedArgs& a, cudaStream_t stream) {
  for_storage(a.storage, [&]<class T>() {
    for_activation(a.activation, [&]<class F>() {
      for_gated_packs<T>(a, [&]<int W>(uint32_t packs, Divisor per_row) {
        launch(gated_elements<T, W, F>, blocks_for(packs), stream, a, packs, per_row);
      });
    });
  });
}

void gated_backward(const GatedArgs& a, cudaStream_t stream) {
  for_storage(a.storage, [&]<class T>() {
    for_activation(a.activation, [&]<class F>() {
      for_gated_packs<T>(a, [&]<int W>(uint32_t packs, Divisor per_row) {
        launch(gated_backward_elements<T, W, F>, blocks_for(packs), stream, a, packs, per_row);
      });
    });
  });
}

void soft_cap(const SoftCapArgs& a, cudaStream_t stream) {
  for_storage(a.storage, [&]<class T>() {
    for_cap_packs<T>(a, [&]<int W>(uint32_t packs, Divisor per_row) {
      launch(soft_cap_elements<T, W>, blocks_for(packs), stream, a, packs, per_row);
    });
  });
}

void soft_cap_backward(const SoftCapArgs& a, cudaStream_t stream) {
  for_storage(a.storage, [&]<class T>() {
    for_cap_packs<T>(a, [&]<int W>(uint32_t packs, Divisor per_row) {
      launch(soft_cap_backward_elements<T, W>, blocks_for(packs), stream, a, packs, per_row);
    });
  });
}

}  // namespace collie::cuda
