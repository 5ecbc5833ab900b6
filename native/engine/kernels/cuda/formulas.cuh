// The formulas of update rules on the device, and how they leave the weights.
#pragma once

#include "engine/kernels/cuda/packs.cuh"
#include "engine/kernels/element_rules.h"

namespace collie::cuda {

__device__ inline float correct_sqrt(float x) { return __fsqrt_rn(x); }
#define COLLIE_ELEMENT __device__ inline
#define COLLIE_SQRT correct_sqrt
#include "engine/kernels/element_formulas.h"
#undef COLLIE_SQRT
#undef COLLIE_ELEMENT

// W weights from element `i` of the part; bf16 ones are rounded stochastically.
template <int W>
__device__ inline void store_weights(float* w, const float (&values)[W], const UpdateArgs&, int64_t) {
  store(w, values);
}
template <int W>
__device__ inline void store_weights(bf16* w, const float (&values)[W], const UpdateArgs& a, int64_t i) {
  Pack<bf16, W> pack;
  for (int k = 0; k < W; ++k)
    pack.values[k] =
        __ushort_as_bfloat16(stochastic_bf16(values[k], static_cast<unsigned>(a.rounding_key),
                                             static_cast<unsigned>(a.rounding_key >> 32), a.first_element + i + k));
  *reinterpret_cast<Pack<bf16, W>*>(w) = pack;
}

}  // namespace collie::cuda
