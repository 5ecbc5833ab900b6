// One tiny model twice: on the CPU and on the device under test, with the same weights.
#pragma once

#include <memory>
#include <vector>

#include "device.h"
#include "engine/model/decoder.h"
#include "engine/model_reference.h"

namespace collie::test {

struct Pair {
  Pair(const ModelConfig& config, const DecoderOptions& options, uint64_t seed = 5);
  // Random values around those that all trained tensors start with, the same on both: zeros would hide errors.
  void disturb(uint64_t seed);

  ModelFolderOnDisk folder;
  std::unique_ptr<Decoder> cpu, device;
};

at::Tensor on_host(const at::Tensor& t);  // fp32, always a copy: layers may share what they hand out

// |a - b| / |b| over all gradients together: small ones are mostly rounding in bf16.
double gradient_error(Decoder& a, Decoder& b);

// Loss and gradients of a micro-batch on both, and the loss of an evaluation. In fp32 they differ by the order of sums (2e-5), in bf16 by
// the rounding of values between kernels (3e-2 of the gradients, 5e-3 of the loss). `slack` multiplies the bound of the gradients.
void check_step(const ModelConfig& config, const DecoderOptions& options, const std::vector<int64_t>& lengths,
                double slack = 1);

inline constexpr Precision kPrecisions[] = {Precision::fp32, Precision::bf16};
inline double bound(Precision p) { return p == Precision::fp32 ? 2e-5 : 3e-2; }

}  // namespace collie::test
