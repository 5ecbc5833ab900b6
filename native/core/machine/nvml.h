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

// nullopt: what this GPU or its driver does not tell.
struct GpuReading {
  int index = 0;
  std::string uuid;            // "GPU-..."; empty where the driver does not tell
  std::optional<double> util;  // share of the last sampling interval with a kernel running, 0 to 1
  std::optional<uint64_t> memory_used_bytes;
  std::optional<uint64_t> memory_total_bytes;
  std::optional<double> temperature_c;
  std::optional<double> power_w;
  std::optional<double> energy_j;  // since its driver was loaded
  std::vector<unsigned> pids;      // of processes that compute on it, as the driver numbers them
};

// Holds the library from construction to destruction. Without driver or library both lists are empty: that is no error.
class Nvml {
 public:
  explicit Nvml(const char* library = "libnvidia-ml.so.1");
  ~Nvml();
  Nvml(const Nvml&) = delete;
  Nvml& operator=(const Nvml&) = delete;

  std::vector<GpuInfo> gpus() const;
  std::vector<GpuReading> read() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace collie
