#include "engine/train/device.h"

#include <ATen/Context.h>
#include <ATen/DeviceAccelerator.h>

#include <algorithm>
#include <fstream>
#include <sstream>

#include "core/base/error.h"
#include "core/machine/system_memory.h"

namespace collie {

namespace {

// A line "Name:   123 kB" of a file in /proc, in bytes; 0 when there is none.
int64_t proc_bytes(const char* file, const std::string& name) {
  std::ifstream lines(file);
  for (std::string line; std::getline(lines, line);) {
    if (!line.starts_with(name + ":")) continue;
    std::istringstream rest(line.substr(name.size() + 1));
    int64_t kilobytes = 0;
    return rest >> kilobytes ? kilobytes * 1024 : 0;
  }
  return 0;
}

}  // namespace

int64_t cuda_device_count() {
#ifdef COLLIE_CUDA
  return at::hasCUDA() ? static_cast<int64_t>(at::accelerator::deviceCount()) : 0;
#else
  return 0;
#endif
}

at::Device choose_device(DeviceType type, [[maybe_unused]] const HostPlace& place) {
  if (type == DeviceType::cpu) return at::Device(at::kCPU);
#ifdef COLLIE_CUDA
  const int64_t devices = cuda_device_count();
  if (devices == 0)
    throw Error("device.unavailable", "device: cuda was asked for, but this machine has no usable CUDA device.",
                "Check the driver with nvidia-smi, or set device to cpu.", {{"device", "cuda"}});
  if (place.size > devices)
    throw Error("device.unavailable",
                "Each rank needs a CUDA device of its own: " + place.host + " has " + std::to_string(place.size) +
                    " ranks and " + std::to_string(devices) + " devices.",
                "Choose a layout of at most " + std::to_string(devices) + " ranks on this host, or set device to cpu.",
                {{"device", "cuda"}, {"host", place.host}, {"ranks", place.size}, {"devices", devices}});
  const at::Device device(at::kCUDA, static_cast<c10::DeviceIndex>(place.rank));
  at::accelerator::setDeviceIndex(device.index());
  return device;
#else
  throw Error("device.unavailable", "device: cuda was asked for, but this engine was built for the CPU only.",
              "Build it with the preset cuda-release, or set device to cpu.", {{"device", "cuda"}});
#endif
}

std::string device_name(const at::Device& device) { return device.str(); }

MemoryNow memory_now(const at::Device& device) {
  if (!device.is_cuda()) return {proc_bytes("/proc/self/status", "VmRSS"), proc_bytes("/proc/self/status", "VmHWM")};
  using at::CachingAllocator::StatType;
  const auto stats = at::accelerator::getDeviceStats(device.index());
  const auto& allocated = stats.allocated_bytes[static_cast<size_t>(StatType::AGGREGATE)];
  return {allocated.current, allocated.peak};
}

int64_t memory_total(const at::Device& device) {
  if (!device.is_cuda()) return static_cast<int64_t>(read_system_memory().total_bytes);
  return static_cast<int64_t>(at::accelerator::getMemoryInfo(device.index()).second);
}

int64_t memory_available(const at::Device& device) {
  if (!device.is_cuda()) {
    const SystemMemory memory = read_system_memory();  // knows the limit of a container
    return static_cast<int64_t>(memory.total_bytes - std::min(memory.used_bytes, memory.total_bytes));
  }
  return static_cast<int64_t>(at::accelerator::getMemoryInfo(device.index()).first);
}

}  // namespace collie
