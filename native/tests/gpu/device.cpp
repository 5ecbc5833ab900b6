#include "device.h"

#include <ATen/Context.h>

#include <cstdlib>
#include <stdexcept>
#include <string>

namespace collie::test {

at::Device device_under_test() {
  const char* name = std::getenv("COLLIE_TEST_DEVICE");
  if (name && std::string(name) == "cpu") return at::kCPU;
  if (!at::hasCUDA())
    throw std::runtime_error(
        "No CUDA device, or a build without CUDA. COLLIE_TEST_DEVICE=cpu tries the suite on the CPU.");
  return at::Device(at::kCUDA, 0);
}

OnCpu::OnCpu() = default;
OnCpu::~OnCpu() = default;

}  // namespace collie::test
