#include "core/machine/nvml.h"

#include <dlfcn.h>

namespace collie {

namespace {

// Declarations after NVIDIA's documented interface (nvml.h is not needed to build).
using NvmlDevice = void*;
constexpr int kSuccess = 0;
constexpr int kTemperatureGpu = 0;
constexpr unsigned kNameBytes = 96;
constexpr unsigned kMostProcesses = 256;

struct NvmlMemory {
  unsigned long long total, free, used;
};
struct NvmlUtilization {
  unsigned gpu, memory;
};

// Of nvmlDeviceGetComputeRunningProcesses_v2 and _v3.
struct NvmlProcess {
  unsigned pid;
  unsigned long long used_bytes;
  unsigned gpu_instance, compute_instance;
};

struct LibraryCloser {
  void operator()(void* handle) const { dlclose(handle); }
};

// CUDA cores of one multiprocessor, by compute capability; 0: not known.
int cores_per_multiprocessor(int major, int minor) {
  if (major == 6) return minor == 0 ? 64 : 128;
  if (major == 7) return 64;
  if (major == 8) return minor == 0 ? 64 : 128;
  return major == 5 || (major >= 9 && major <= 12) ? 128 : 0;
}

}  // namespace

struct Nvml::Impl {
  std::unique_ptr<void, LibraryCloser> library;
  bool ready = false;

  int (*init)() = nullptr;
  int (*shutdown)() = nullptr;
  int (*count)(unsigned*) = nullptr;
  int (*handle)(unsigned, NvmlDevice*) = nullptr;
  int (*name)(NvmlDevice, char*, unsigned) = nullptr;
  int (*memory)(NvmlDevice, NvmlMemory*) = nullptr;
  int (*utilization)(NvmlDevice, NvmlUtilization*) = nullptr;
  int (*temperature)(NvmlDevice, int, unsigned*) = nullptr;
  int (*power)(NvmlDevice, unsigned*) = nullptr;
  int (*capability)(NvmlDevice, int*, int*) = nullptr;
  // Newer drivers only.
  int (*cores)(NvmlDevice, unsigned*) = nullptr;
  int (*uuid)(NvmlDevice, char*, unsigned) = nullptr;
  int (*energy)(NvmlDevice, unsigned long long*) = nullptr;
  int (*processes)(NvmlDevice, unsigned*, NvmlProcess*) = nullptr;

  template <typename F>
  void bind(F*& function, const char* symbol) {
    function = reinterpret_cast<F*>(dlsym(library.get(), symbol));
  }

  // Empty where the driver does not tell.
  std::vector<unsigned> pids(NvmlDevice device) const {
    std::vector<NvmlProcess> found(kMostProcesses);
    unsigned count = kMostProcesses;
    std::vector<unsigned> ids;
    if (!processes || processes(device, &count, found.data()) != kSuccess) return ids;
    for (unsigned i = 0; i < count && i < kMostProcesses; ++i) ids.push_back(found[i].pid);
    return ids;
  }

  std::vector<std::pair<int, NvmlDevice>> devices() const {
    std::vector<std::pair<int, NvmlDevice>> found;
    unsigned total = 0;
    if (!ready || count(&total) != kSuccess) return found;
    for (unsigned i = 0; i < total; ++i)
      if (NvmlDevice device = nullptr; handle(i, &device) == kSuccess) found.emplace_back(static_cast<int>(i), device);
    return found;
  }
};

Nvml::Nvml(const char* library) : impl_(std::make_unique<Impl>()) {
  Impl& nvml = *impl_;
  nvml.library.reset(dlopen(library, RTLD_LAZY | RTLD_LOCAL));
  if (!nvml.library) return;
  nvml.bind(nvml.init, "nvmlInit_v2");
  nvml.bind(nvml.shutdown, "nvmlShutdown");
  nvml.bind(nvml.count, "nvmlDeviceGetCount_v2");
  nvml.bind(nvml.handle, "nvmlDeviceGetHandleByIndex_v2");
  nvml.bind(nvml.name, "nvmlDeviceGetName");
  nvml.bind(nvml.memory, "nvmlDeviceGetMemoryInfo");
  nvml.bind(nvml.utilization, "nvmlDeviceGetUtilizationRates");
  nvml.bind(nvml.temperature, "nvmlDeviceGetTemperature");
  nvml.bind(nvml.power, "nvmlDeviceGetPowerUsage");
  nvml.bind(nvml.capability, "nvmlDeviceGetCudaComputeCapability");
  nvml.bind(nvml.cores, "nvmlDeviceGetNumGpuCores");
  nvml.bind(nvml.uuid, "nvmlDeviceGetUUID");
  nvml.bind(nvml.energy, "nvmlDeviceGetTotalEnergyConsumption");
  nvml.bind(nvml.processes, "nvmlDeviceGetComputeRunningProcesses_v3");
  if (!nvml.processes) nvml.bind(nvml.processes, "nvmlDeviceGetComputeRunningProcesses_v2");
  const bool complete = nvml.init && nvml.shutdown && nvml.count && nvml.handle && nvml.name && nvml.memory &&
                        nvml.utilization && nvml.temperature && nvml.power && nvml.capability;
  nvml.ready = complete && nvml.init() == kSuccess;
}

Nvml::~Nvml() {
  if (impl_->ready) impl_->shutdown();
}

std::vector<GpuInfo> Nvml::gpus() const {
  std::vector<GpuInfo> result;
  for (const auto& [index, device] : impl_->devices()) {
    GpuInfo gpu;
    gpu.index = index;
    char name[kNameBytes] = {};
    if (impl_->name(device, name, kNameBytes) == kSuccess) gpu.name = name;
    NvmlMemory memory = {};
    if (impl_->memory(device, &memory) == kSuccess) gpu.memory_total_bytes = memory.total;
    if (impl_->capability(device, &gpu.compute_major, &gpu.compute_minor) != kSuccess)
      gpu.compute_major = gpu.compute_minor = 0;
    const int per_unit = cores_per_multiprocessor(gpu.compute_major, gpu.compute_minor);
    unsigned cores = 0;
    if (per_unit > 0 && impl_->cores && impl_->cores(device, &cores) == kSuccess)
      gpu.multiprocessors = static_cast<int>(cores) / per_unit;
    result.push_back(std::move(gpu));
  }
  return result;
}

std::vector<GpuReading> Nvml::read() const {
  std::vector<GpuReading> result;
  for (const auto& [index, device] : impl_->devices()) {
    GpuReading reading;
    reading.index = index;
    char uuid[kNameBytes] = {};
    if (impl_->uuid && impl_->uuid(device, uuid, kNameBytes) == kSuccess) reading.uuid = uuid;
    NvmlMemory memory = {};
    if (impl_->memory(device, &memory) == kSuccess) {
      reading.memory_used_bytes = memory.used;
      reading.memory_total_bytes = memory.total;
    }
    NvmlUtilization utilization = {};
    if (impl_->utilization(device, &utilization) == kSuccess) reading.util = utilization.gpu / 100.0;
    unsigned value = 0;
    if (impl_->temperature(device, kTemperatureGpu, &value) == kSuccess) reading.temperature_c = value;
    if (impl_->power(device, &value) == kSuccess) reading.power_w = value / 1000.0;
    unsigned long long millijoules = 0;
    if (impl_->energy && impl_->energy(device, &millijoules) == kSuccess)
      reading.energy_j = static_cast<double>(millijoules) / 1000;
    reading.pids = impl_->pids(device);
    result.push_back(std::move(reading));
  }
  return result;
}

}  // namespace collie
