#include "core/base/error.h"
#include "engine/kernels/kernels.h"

namespace collie {

#ifdef COLLIE_CUDA
std::unique_ptr<Kernels> make_cuda_kernels(at::Device device);
#endif

std::unique_ptr<Kernels> make_kernels(at::Device device) {
  if (device.is_cpu()) return make_cpu_kernels();
#ifdef COLLIE_CUDA
  if (device.is_cuda()) return make_cuda_kernels(device);
#endif
  throw Error("device.unavailable", "This build has no kernels for the device " + device.str(),
              "Choose the device cpu, or build with -DCOLLIE_CUDA=ON.", {{"device", device.str()}});
}

}  // namespace collie
