// Update rules over all elements of a buffer, in one pass: the formulas that the CPU loops use.
#include "engine/kernels/cuda/device.cuh"
#include "engine/kernels/element_rules.h"

namespace collie::cuda {
namespace {

__device__ inline float correct_sqrt(float x) { return __fsqrt_rn(x); }
#define COLLIE_ELEMENT __device__ inline
#define COLLIE_SQRT correct_sqrt
#include "engine/kernels/element_formulas.h"
#undef COLLIE_SQRT
#undef COLLIE_ELEMENT

__device__ inline void store_weight(float* w, float value, const UpdateArgs&, int64_t) { *w = value; }
__device__ inline void store_weight(bf16* w, float value, const UpdateArgs& a, int64_t i) {
  *w = __ushort_as_bfloat16(stochastic_bf16(value, static_cast<unsigned>(a.rounding_key),
                                            static_cast<unsigned>(a.rounding_key >> 32), a.first_element + i));
}

template <class Rule, class T>
__global__ void update_elements(UpdateArgs a, Rule rule) {
  T* weight = static_cast<T*>(a.weight);
  COLLIE_GRID_STRIDE(i, a.n) {
    ElementState s;
    if constexpr (Rule::kStates > 0) s.a = a.state[0][i];
    if constexpr (Rule::kStates > 1) s.b = a.state[1][i];
    if constexpr (Rule::kStates > 2) s.c = a.state[2][i];
    if constexpr (Rule::kStates > 3) s.d = a.state[3][i];
    const float value = updated(rule, to_float(weight[i]), a.grad[i] * a.grad_scale, s);
    if constexpr (Rule::kStates > 0) a.state[0][i] = s.a;
    if constexpr (Rule::kStates > 1) a.state[1][i] = s.b;
    if constexpr (Rule::kStates > 2) a.state[2][i] = s.c;
    if constexpr (Rule::kStates > 3) a.state[3][i] = s.d;
    store_weight(weight + i, value, a, i);
  }
}

}  // namespace

template <class Rule>
void update(const UpdateArgs& a, const Rule& rule, cudaStream_t stream) {
  for_storage(a.storage, [&]<class T>() { launch(update_elements<Rule, T>, blocks_for(a.n), stream, a, rule); });
}

template void update(const UpdateArgs&, const AdamWRule&, cudaStream_t);
template void update(const UpdateArgs&, const LionRule&, cudaStream_t);
template void update(const UpdateArgs&, const AdanRule&, cudaStream_t);
template void update(const UpdateArgs&, const SophiaRule&, cudaStream_t);
template void update(const UpdateArgs&, const MomentumRule&, cudaStream_t);
template void update(const UpdateArgs&, const PlainRule&, cudaStream_t);

}  // namespace collie::cuda
