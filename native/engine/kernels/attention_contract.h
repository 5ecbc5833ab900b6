// What callers of the attention owe, checked by every implementation: a fused kernel on a GPU would read past a violation in silence.
#pragma once

#include "engine/kernels/kernels.h"

namespace collie {

inline void check_lse(const AttentionShape& s, const AttentionForward& f) {
  if (!f.lse.defined()) return;
  TORCH_CHECK(f.lse.scalar_type() == at::kFloat && f.lse.dim() == 2 && f.lse.size(0) == s.heads &&
                  f.lse.size(1) == f.qkv.size(0) && f.lse.is_contiguous(),
              "lse has to be fp32 [", s.heads, ", ", f.qkv.size(0), "] and contiguous, but has sizes ", f.lse.sizes(),
              " and strides ", f.lse.strides());
}

}  // namespace collie
