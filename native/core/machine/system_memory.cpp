#include "core/machine/system_memory.h"

#include <algorithm>
#include <fstream>
#include <map>
#include <string>

namespace collie {

namespace {

// Lines of "<name>[:] <number>".
std::map<std::string, uint64_t> read_counters(const char* path) {
  std::map<std::string, uint64_t> counters;
  std::ifstream file(path);
  std::string line;
  while (std::getline(file, line)) {
    const size_t end = line.find_first_of(": ");
    const size_t digits = line.find_first_of("0123456789", end == std::string::npos ? 0 : end);
    if (end != std::string::npos && digits != std::string::npos)
      counters[line.substr(0, end)] = std::stoull(line.substr(digits));
  }
  return counters;
}

uint64_t read_number(const char* path) {
  uint64_t value = 0;
  std::ifstream file(path);
  return file >> value ? value : 0;  // "max" reads as 0: no limit
}

}  // namespace

SystemMemory read_system_memory() {
  auto machine = read_counters("/proc/meminfo");
  SystemMemory memory;
  memory.total_bytes = machine["MemTotal"] * 1024;
  memory.used_bytes = memory.total_bytes - std::min(memory.total_bytes, machine["MemAvailable"] * 1024);

  const uint64_t limit = read_number("/sys/fs/cgroup/memory.max");
  if (limit > 0 && limit < memory.total_bytes) {
    const uint64_t reclaimable = read_counters("/sys/fs/cgroup/memory.stat")["inactive_file"];
    const uint64_t current = read_number("/sys/fs/cgroup/memory.current");
    memory.total_bytes = limit;
    memory.used_bytes = current - std::min(current, reclaimable);
  }
  return memory;
}

}  // namespace collie
