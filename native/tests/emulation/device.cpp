// Decoders of this program compute with the CUDA kernels on the emulated device: it stands in for make_kernels() of the engine.
#include "gpu/device.h"

#include "engine/kernels/cuda/cuda_kernels.h"
#include "engine/kernel_variants.h"

namespace collie {
namespace {

bool on_cpu = false;

}  // namespace

std::unique_ptr<Kernels> make_kernels(at::Device device) {
  return on_cpu ? make_cpu_kernels() : make_cuda_kernels(device);
}

namespace test {

at::Device device_under_test() { return at::kCPU; }
OnCpu::OnCpu() { on_cpu = true; }
OnCpu::~OnCpu() { on_cpu = false; }

std::vector<std::unique_ptr<Kernels>> kernel_variants() {
  std::vector<std::unique_ptr<Kernels>> all;
  all.push_back(make_cuda_kernels(at::kCPU));
  return all;
}

}  // namespace test
}  // namespace collie
