// Update rules over all elements of a buffer, in one pass.
#pragma once

#include "engine/kernels/cpu/args.h"
#include "engine/kernels/cpu/variants/simd.h"
#include "engine/kernels/element_rules.h"

namespace collie::cpu::COLLIE_CPU_VARIANT {

#define COLLIE_ELEMENT COLLIE_INLINE
#define COLLIE_SQRT __builtin_sqrtf
#include "engine/kernels/element_formulas.h"
#undef COLLIE_SQRT
#undef COLLIE_ELEMENT

COLLIE_INLINE void store_weight(float* w, float value, const UpdateArgs&, int64_t) { *w = value; }
COLLIE_INLINE void store_weight(bf16* w, float value, const UpdateArgs& a, int64_t i) {
  w->bits = stochastic_bf16(value, static_cast<uint32_t>(a.rounding_key), static_cast<uint32_t>(a.rounding_key >> 32),
                            a.first_element + i);
}

template <class Rule, class T>
void update(const UpdateArgs& args, int64_t begin, int64_t end) {
  const UpdateArgs a = args;
  const Rule rule = *static_cast<const Rule*>(a.rule);
  T* weight = static_cast<T*>(a.weight);
  const float* grad = a.grad;
  float *s0 = a.state[0], *s1 = a.state[1], *s2 = a.state[2], *s3 = a.state[3];
#pragma omp simd
  for (int64_t i = begin; i < end; ++i) {
    ElementState s;
    if constexpr (Rule::kStates > 0) s.a = s0[i];
    if constexpr (Rule::kStates > 1) s.b = s1[i];
    if constexpr (Rule::kStates > 2) s.c = s2[i];
    if constexpr (Rule::kStates > 3) s.d = s3[i];
    const float value = updated(rule, to_float(weight[i]), grad[i] * a.grad_scale, s);
    if constexpr (Rule::kStates > 0) s0[i] = s.a;
    if constexpr (Rule::kStates > 1) s1[i] = s.b;
    if constexpr (Rule::kStates > 2) s2[i] = s.c;
    if constexpr (Rule::kStates > 3) s3[i] = s.d;
    store_weight(weight + i, value, a, i);
  }
}

}  // namespace collie::cpu::COLLIE_CPU_VARIANT
