// The constants of update rules that look at one element at a time. The formulas are in element_formulas.h, shared by CPU and
// CUDA. Plain structs of floats: the optimizer works them out once a tensor, in double.
#pragma once

namespace collie {

// Adam with decoupled decay; state m, v.
struct AdamWRule {
  static constexpr int kStates = 2;
  float decay;  // lr weight_decay
  float one_minus_beta1, one_minus_beta2;
  float rate;  // lr / (1 - beta1^t)
  float root;  // 1 / sqrt(1 - beta2^t)
  float eps;
};

// Sign of an interpolated momentum; state m.
struct LionRule {
  static constexpr int kStates = 1;
  float decay, rate;
  float one_minus_beta1, one_minus_beta2;
};

// Nesterov momentum from differences of gradients; state m, v, n and the last gradient.
struct AdanRule {
  static constexpr int kStates = 4;
  float first;  // 1 in the first step, where the last gradient is unknown; else 0
  float one_minus_beta1, beta2, one_minus_beta2, one_minus_beta3;
  float rate_m;  // lr / (1 - beta1^t)
  float rate_v;  // lr beta2 / (1 - beta2^t)
  float root;    // 1 / sqrt(1 - beta3^t)
  float eps;
  float decay_before;  // lr weight_decay of "no_prox", or 0
  float decay_after;   // lr weight_decay / (1 + lr weight_decay) of the proximal form, or 0
};

// Momentum divided by the curvature, clipped; state m, h.
struct SophiaRule {
  static constexpr int kStates = 2;
  float decay, rate;
  float one_minus_beta1;
  float rho, eps;
};

// Momentum, decay added to the gradient; state m.
struct MomentumRule {
  static constexpr int kStates = 1;
  float rate, momentum, decay;  // decay: weight_decay itself
  float nesterov;               // 1 or 0
};

// w <- w - decay w - rate clamp(g, limit); no state. Also the last line of rules that work out their step elsewhere.
struct PlainRule {
  static constexpr int kStates = 0;
  float decay, rate;
  float limit;  // infinity: none
};

// Values of a moment in bytes that share a scale (ByteMoment of kernels.h).
inline constexpr int kByteMomentBlock = 256;

}  // namespace collie
