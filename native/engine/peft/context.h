// What the modules of a step share: kernels, the micro-batch and how the adapter is used.
#pragma once

#include "core/base/random.h"
#include "engine/kernels/kernels.h"
#include "engine/parallel/token_rows.h"

namespace collie {

// Whether a computation goes through the adapter or sees the base model only.
enum class AdapterUse { off, on };

// Adds a block's output to the residual stream when the next norm reads it: one pass instead of two.
struct Pending {
  at::Tensor x, y;  // undefined: nothing to add
};

class PromptAdapter;

struct StepContext {
  Kernels& kernels;
  Communicator& tp;  // who shares every layer with this rank
  TokenRows rows;    // which tokens are this rank's between the linears
  int64_t n = 0;     // tokens
  at::Tensor positions;
  Documents docs;
  AdapterUse adapter = AdapterUse::on;
  DropoutMask dropout;       // rate 0: none; key of the micro-batch
  at::Tensor adapter_input;  // scratch for a changed input of a linear, any shape up to [N, widest input]; or undefined
  at::Tensor adapter_output;        // scratch for an output computed again, up to [N, widest output]; or undefined
  PromptAdapter* prompt = nullptr;  // fills the slots that every document begins with; null: there are none

  // The mask of one linear of one layer.
  DropoutMask mask(int64_t layer, int64_t linear) const {
    uint64_t state = dropout.key + static_cast<uint64_t>(layer * 8 + linear) * 0x9e3779b97f4a7c15ull;
    return {dropout.rate, splitmix64(state)};
  }
  // Views of the scratch as [n, cols].
  at::Tensor input_scratch(int64_t cols) const {
    return adapter_input.flatten().narrow(0, 0, n * cols).view({n, cols});
  }
  at::Tensor output_scratch(int64_t cols) const {
    return adapter_output.flatten().narrow(0, 0, n * cols).view({n, cols});
  }
};

}  // namespace collie
