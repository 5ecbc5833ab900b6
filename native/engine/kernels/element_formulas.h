// The formulas of element_rules.h, one element at a time: fp32 in, the new weight out, states changed in place. Included by the
// CPU loops of every instruction set and by the CUDA kernels, each inside a namespace of its own and with COLLIE_ELEMENT saying
// how such a function is declared there; hence no include guard and no includes.
//
// Means are kept as m += (1 - beta) (g - m) and weights decay as w - (lr decay) w: the small factor is rounded, not its
// complement, so that fp32 loses nothing that adds up over many steps.

struct ElementState {
  float a = 0, b = 0, c = 0, d = 0;
};

// Loshchilov and Hutter 2017, arXiv 1711.05101.
COLLIE_ELEMENT float updated(const AdamWRule& r, float w, float g, ElementState& s) {
  s.a += r.one_minus_beta1 * (g - s.a);
  s.b += r.one_minus_beta2 * (g * g - s.b);
  return (w - r.decay * w) - r.rate * s.a / (COLLIE_SQRT(s.b) * r.root + r.eps);
}

// Chen et al. 2023, arXiv 2302.06675.
COLLIE_ELEMENT float updated(const LionRule& r, float w, float g, ElementState& s) {
  const float u = s.a + r.one_minus_beta1 * (g - s.a);
  s.a += r.one_minus_beta2 * (g - s.a);
  const float step = u > 0.f ? r.rate : (u < 0.f ? -r.rate : u * 0.f);  // u * 0: not a number stays visible
  return (w - r.decay * w) - step;
}

// Xie et al. 2022, arXiv 2208.06677.
COLLIE_ELEMENT float updated(const AdanRule& r, float w, float g, ElementState& s) {
  const float difference = r.first != 0.f ? 0.f : g - s.d;
  const float ahead = g + r.beta2 * difference;
  s.a += r.one_minus_beta1 * (g - s.a);
  s.b += r.one_minus_beta2 * (difference - s.b);
  s.c += r.one_minus_beta3 * (ahead * ahead - s.c);
  s.d = g;
  const float step = (r.rate_m * s.a + r.rate_v * s.b) / (COLLIE_SQRT(s.c) * r.root + r.eps);
  const float moved = (w - r.decay_before * w) - step;
  return moved - r.decay_after * moved;
}

// Liu et al. 2023, arXiv 2305.14342.
COLLIE_ELEMENT float updated(const SophiaRule& r, float w, float g, ElementState& s) {
  s.a += r.one_minus_beta1 * (g - s.a);
  const float ratio = s.a / (r.rho * s.b + r.eps);
  const float step = ratio > 1.f ? 1.f : (ratio < -1.f ? -1.f : ratio);
  return (w - r.decay * w) - r.rate * step;
}

COLLIE_ELEMENT float updated(const MomentumRule& r, float w, float g, ElementState& s) {
  const float full = g + r.decay * w;
  s.a = r.momentum * s.a + full;
  const float step = r.nesterov != 0.f ? full + r.momentum * s.a : s.a;
  return w - r.rate * step;
}

COLLIE_ELEMENT float updated(const PlainRule& r, float w, float g, ElementState&) {
  const float step = g > r.limit ? r.limit : (g < -r.limit ? -r.limit : g);
  return (w - r.decay * w) - r.rate * step;
}

// MurmurHash3's finalizer.
COLLIE_ELEMENT unsigned mixed_bits(unsigned h) {
  h ^= h >> 16;
  h *= 0x85ebca6bu;
  h ^= h >> 13;
  h *= 0xc2b2ae35u;
  return h ^ (h >> 16);
}

// bf16 of x, up or down with the probability that keeps the mean: rounding to nearest would lose every step below half a unit in
// the last place. The random bits are a pure function of key and element: the same on every device, with any number of threads,
// and after a resume.
COLLIE_ELEMENT unsigned short stochastic_bf16(float x, unsigned key_low, unsigned key_high, long long element) {
  const unsigned low = static_cast<unsigned>(element), high = static_cast<unsigned>(element >> 32);
  const unsigned random = mixed_bits(mixed_bits(low * 0x9e3779b1u ^ key_low) + (key_high ^ high * 0x85ebca6bu));
  const unsigned bits = __builtin_bit_cast(unsigned, x);
  const unsigned rounded = (bits + (random & 0xffffu)) >> 16;
  const unsigned kept =
      bits >> 16 | ((bits & 0x7fffffu) != 0u ? 0x40u : 0u);  // infinities; what is not a number stays quiet
  return static_cast<unsigned short>((bits & 0x7f800000u) == 0x7f800000u ? kept : rounded);
}
