// What this machine computes with: the processor, and NVIDIA GPUs when their driver is there. Found without CUDA and without torch.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "core/machine/nvml.h"

namespace collie {

enum class DeviceKind { cpu, cuda };

struct Device {
  DeviceKind kind = DeviceKind::cpu;
  int index = 0;
  std::string name;
  std::optional<int> units;  // cores this process may use; multiprocessors of a GPU
  uint64_t memory_total_bytes = 0;
  std::vector<std::string> features;  // "avx2", "avx512_bf16", ...; "sm_90"
};

// The processor first, then GPUs in the driver's order.
std::vector<Device> list_devices(const Nvml& nvml);

// Cores this process may run on: containers and batch systems often give less than the machine has.
int usable_cores();

// Vector extensions that both the processor and the system support.
std::vector<std::string> cpu_features();

}  // namespace collie
