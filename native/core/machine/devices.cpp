#include "core/machine/devices.h"

#include <fstream>
#include <thread>

#ifdef __linux__
#include <sched.h>
#endif

#include "core/machine/system_memory.h"

namespace collie {

namespace {

std::string cpu_name() {
  std::ifstream file("/proc/cpuinfo");
  std::string line;
  while (std::getline(file, line)) {
    if (!line.starts_with("model name")) continue;
    const size_t colon = line.find(':');
    if (colon != std::string::npos && colon + 2 <= line.size()) return line.substr(colon + 2);
  }
  return "CPU";
}

}  // namespace

int usable_cores() {
#ifdef __linux__
  cpu_set_t set;
  CPU_ZERO(&set);
  if (sched_getaffinity(0, sizeof(set), &set) == 0) return CPU_COUNT(&set);
#endif
  return static_cast<int>(std::thread::hardware_concurrency());
}

std::vector<Device> list_devices(const Nvml& nvml) {
  std::vector<Device> devices;
  devices.push_back({DeviceKind::cpu, 0, cpu_name(), usable_cores(), read_system_memory().total_bytes, cpu_features()});
  for (const GpuInfo& gpu : nvml.gpus()) {
    std::vector<std::string> features;
    if (gpu.compute_major > 0)
      features.push_back("sm_" + std::to_string(gpu.compute_major) + std::to_string(gpu.compute_minor));
    devices.push_back(
        {DeviceKind::cuda, gpu.index, gpu.name, gpu.multiprocessors, gpu.memory_total_bytes, std::move(features)});
  }
  return devices;
}

}  // namespace collie
