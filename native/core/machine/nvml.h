// The few calls of NVIDIA's management library that we need, through dlopen: absent without its driver, and no build dependency.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace collie {

struct GpuInfo {
  int index = 0;
  std::string name;
  uint64_t memory_total_bytes = 0;
  int compute_major = 0, compute_minor = 0;
  std::optional<int> multiprocessors;
};

struct GpuReading {
  int index = 0;
  double util = 0;  // share of the last sampling interval with a kernel running, 0 to 1
  uint64_t memory_used_bytes = 0;
  uint64_t memory_total_bytes = 0;
  double temperature_c = 0;
  double power_w = 0;
};

// Holds the library from construction to destruction. Without driver or library both lists are empty: that is no error.
class Nvml {
 public:
  Nvml();
  ~Nvml();
  Nvml(const Nvml&) = delete;
  Nvml& operator=(const Nvml&) = delete;

  std::vector<GpuInfo> gpus() const;
  // Values a GPU does not report are 0.
  std::vector<GpuReading> read() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace collie
