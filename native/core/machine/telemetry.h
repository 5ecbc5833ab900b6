// A reading of how busy the machine is.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "core/machine/nvml.h"

namespace collie {

struct Telemetry {
  int64_t time_us = 0;  // since 1970
  double cpu_util = 0;  // share of all cores' time since the reading before, 0 to 1
  uint64_t memory_used_bytes = 0;
  uint64_t memory_total_bytes = 0;
  uint64_t disk_free_bytes = 0;  // for this user, on the disk that holds the asked path; 0 when there is no such path
  std::vector<GpuReading> gpus;
};

// Keeps the processor times of the last reading; the first one counts from the start of the machine.
class TelemetrySampler {
 public:
  Telemetry read(const Nvml& nvml, const std::filesystem::path& disk_path);

 private:
  uint64_t last_busy_ = 0;
  uint64_t last_total_ = 0;
  double last_util_ = 0;
};

}  // namespace collie
