// The device under test beside the CPU, whose engine the other suites check against autograd.
#pragma once

#include <c10/core/Device.h>

#include <memory>

#include "engine/kernels/kernels.h"

namespace collie::test {

// The first GPU; with COLLIE_TEST_DEVICE=cpu the CPU, against itself: that tries the suite where no GPU is. A suite of its own beside this
// file, native/tests/emulation, has the CUDA kernels on the CPU here. Throws where there is no such device: nothing is skipped.
at::Device device_under_test();

// Decoders that are made while one lives compute with the CPU's kernels, whatever the device under test is.
class OnCpu {
 public:
  OnCpu();
  ~OnCpu();
  OnCpu(const OnCpu&) = delete;
  OnCpu& operator=(const OnCpu&) = delete;
};

inline std::unique_ptr<Kernels> device_kernels() { return make_kernels(device_under_test()); }

}  // namespace collie::test
