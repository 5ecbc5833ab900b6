// collie-rank info: what this build is and what it can use, as one JSON line.
#include <ATen/Parallel.h>
#include <ATen/Version.h>
#include <torch/version.h>

#include <sstream>
#include <string>

#include "core/machine/devices.h"
#include "engine/kernels/kernels.h"
#include "engine/train/device.h"
#include "rank/arguments.h"
#include "rank/commands.h"
#include "rank/process.h"

namespace collie {

using nlohmann::json;

namespace {

// What CMake was told, e.g. ["80-real", "90-real", "120"]; empty in a build for the CPU.
json cuda_architectures() {
  json list = json::array();
#ifdef COLLIE_CUDA_ARCHITECTURES
  std::istringstream words(COLLIE_CUDA_ARCHITECTURES);
  for (std::string word; std::getline(words, word, ';');) list.push_back(word);
#endif
  return list;
}

#ifdef COLLIE_MPI
constexpr bool kMpi = true;
#else
constexpr bool kMpi = false;
#endif
#ifdef COLLIE_NCCL
constexpr bool kNccl = true;
#else
constexpr bool kNccl = false;
#endif

}  // namespace

int info_command(const Words& words) {
  const Arguments arguments(words, {});
  set_threads(0);
  const Nvml nvml;
  json devices = json::array();
  for (const Device& device : list_devices(nvml))
    devices.push_back({{"kind", device.kind == DeviceKind::cpu ? "cpu" : "cuda"},
                       {"index", device.index},
                       {"name", device.name},
                       {"memory_total_bytes", device.memory_total_bytes},
                       {"features", device.features}});
  print_line({{"version", COLLIE_VERSION},
              {"torch", TORCH_VERSION},
              {"cpu_capability", at::get_cpu_capability()},
              {"cpu_kernels", make_kernels(at::kCPU)->name()},
              {"threads", at::get_num_threads()},
              {"cuda_architectures", cuda_architectures()},
              {"cuda_devices", cuda_device_count()},
              {"mpi", kMpi},
              {"nccl", kNccl},
              {"devices", devices}});
  return 0;
}

}  // namespace collie
