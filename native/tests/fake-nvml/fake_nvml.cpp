// Stands in for NVIDIA's management library, which is only there with a driver: two GPUs, of which the second is an old one that tells little. FAKE_NVML_OLD: an old driver.
#include <cstdlib>
#include <cstring>

namespace {

constexpr int kSuccess = 0, kNotSupported = 3, kInsufficientSize = 7;
int first = 0, second = 1;
bool is_second(void* device) { return device == &second; }

int text(const char* from, char* to, unsigned bytes) {
  if (std::strlen(from) >= bytes) return kInsufficientSize;
  std::strcpy(to, from);
  return kSuccess;
}

}  // namespace

extern "C" {

// $FAKE_NVML_INIT: what it says, other than 0 for a driver that does not answer.
int nvmlInit_v2() {
  const char* says = std::getenv("FAKE_NVML_INIT");
  return says ? std::atoi(says) : kSuccess;
}
int nvmlShutdown() { return kSuccess; }
int nvmlDeviceGetCount_v2(unsigned* count) {
  *count = 2;
  return kSuccess;
}
int nvmlDeviceGetHandleByIndex_v2(unsigned index, void** device) {
  *device = index == 0 ? &first : &second;
  return kSuccess;
}
int nvmlDeviceGetName(void* device, char* name, unsigned bytes) {
  return text(is_second(device) ? "Quadro K600" : "NVIDIA H200", name, bytes);
}
struct Memory {
  unsigned long long total, free, used;
};
int nvmlDeviceGetMemoryInfo(void* device, Memory* memory) {
  if (is_second(device)) return kNotSupported;
  *memory = {150ull << 30, 130ull << 30, 20ull << 30};
  return kSuccess;
}
struct Utilization {
  unsigned gpu, memory;
};
int nvmlDeviceGetUtilizationRates(void* device, Utilization* utilization) {
  if (is_second(device)) return kNotSupported;
  *utilization = {87, 40};
  return kSuccess;
}
int nvmlDeviceGetTemperature(void* device, int, unsigned* celsius) {
  *celsius = is_second(device) ? 40 : 61;
  return kSuccess;
}
int nvmlDeviceGetPowerUsage(void* device, unsigned* milliwatts) {
  if (is_second(device)) return kNotSupported;
  *milliwatts = 512'500;
  return kSuccess;
}
int nvmlDeviceGetCudaComputeCapability(void*, int* major, int* minor) {
  *major = 9;
  *minor = 0;
  return kSuccess;
}

#ifndef FAKE_NVML_OLD
int nvmlDeviceGetNumGpuCores(void*, unsigned* cores) {
  *cores = 132 * 128;
  return kSuccess;
}
int nvmlDeviceGetUUID(void* device, char* uuid, unsigned bytes) {
  return text(is_second(device) ? "GPU-2222" : "GPU-1111", uuid, bytes);
}
// Of every call 2.5 kJ more.
int nvmlDeviceGetTotalEnergyConsumption(void* device, unsigned long long* millijoules) {
  static unsigned long long so_far = 1'000'000;
  if (is_second(device)) return kNotSupported;
  *millijoules = so_far += 2'500'000;
  return kSuccess;
}
struct Process {
  unsigned pid;
  unsigned long long used;
  unsigned gpu_instance, compute_instance;
};
// $FAKE_NVML_PID computes on the first.
int nvmlDeviceGetComputeRunningProcesses_v3(void* device, unsigned* count, Process* processes) {
  const char* pid = std::getenv("FAKE_NVML_PID");
  const unsigned found = pid && !is_second(device) ? 2 : 0;
  if (*count < found) return kInsufficientSize;
  if (found > 0) {
    processes[0] = {1, 1 << 20, ~0u, ~0u};
    processes[1] = {static_cast<unsigned>(std::atoi(pid)), 1 << 20, ~0u, ~0u};
  }
  *count = found;
  return kSuccess;
}
#endif
}
