#include "addon/machine.h"

#include "addon/values.h"
#include "core/machine/devices.h"

namespace collie::addon {

using nlohmann::json;

Napi::Value devices(Napi::Env env, const Nvml& nvml) {
  json list = json::array();
  for (const Device& device : list_devices(nvml))
    list.push_back({{"kind", device.kind == DeviceKind::cpu ? "cpu" : "cuda"},
                    {"index", device.index},
                    {"name", device.name},
                    {"units", device.units ? json(*device.units) : json(nullptr)},
                    {"memoryTotalBytes", device.memory_total_bytes},
                    {"features", device.features}});
  return to_js(env, list);
}

Napi::Value telemetry(Napi::Env env, TelemetrySampler& sampler, const Nvml& nvml,
                      const std::filesystem::path& disk_path) {
  const Telemetry reading = sampler.read(nvml, disk_path);
  json gpus = json::array();
  for (const GpuReading& gpu : reading.gpus)
    gpus.push_back({{"index", gpu.index},
                    {"util", gpu.util},
                    {"memoryUsedBytes", gpu.memory_used_bytes},
                    {"memoryTotalBytes", gpu.memory_total_bytes},
                    {"temperatureC", gpu.temperature_c},
                    {"powerW", gpu.power_w}});
  return to_js(env, {{"timeUs", reading.time_us},
                     {"cpuUtil", reading.cpu_util},
                     {"memoryUsedBytes", reading.memory_used_bytes},
                     {"memoryTotalBytes", reading.memory_total_bytes},
                     {"diskFreeBytes", reading.disk_free_bytes},
                     {"gpus", gpus}});
}

}  // namespace collie::addon
