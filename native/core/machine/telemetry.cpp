#include "core/machine/telemetry.h"

#include <algorithm>
#include <chrono>
#include <fstream>
#include <string>

#include "core/machine/system_memory.h"

namespace collie {

namespace {

struct CpuTimes {
  uint64_t busy = 0, total = 0;
};

// First line of /proc/stat: user nice system idle iowait irq softirq steal, in ticks since the start.
CpuTimes read_cpu_times() {
  std::ifstream file("/proc/stat");
  std::string label;
  file >> label;
  CpuTimes times;
  uint64_t ticks = 0;
  for (int column = 0; column < 8 && file >> ticks; ++column) {
    times.total += ticks;
    if (column != 3 && column != 4) times.busy += ticks;
  }
  return times;
}

}  // namespace

Telemetry TelemetrySampler::read(const Nvml& nvml, const std::filesystem::path& disk_path) {
  const CpuTimes times = read_cpu_times();
  // Two readings within one tick: the last figure still stands.
  if (times.total > last_total_) {
    const auto busy = static_cast<double>(times.busy - std::min(times.busy, last_busy_));
    last_util_ = std::clamp(busy / static_cast<double>(times.total - last_total_), 0.0, 1.0);
    last_busy_ = times.busy;
    last_total_ = times.total;
  }
  Telemetry reading;
  reading.time_us =
      std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch())
          .count();
  reading.cpu_util = last_util_;
  const SystemMemory memory = read_system_memory();
  reading.memory_used_bytes = memory.used_bytes;
  reading.memory_total_bytes = memory.total_bytes;
  std::error_code error;
  const auto space = std::filesystem::space(disk_path, error);
  reading.disk_free_bytes = error ? 0 : space.available;
  reading.gpus = nvml.read();
  return reading;
}

}  // namespace collie
