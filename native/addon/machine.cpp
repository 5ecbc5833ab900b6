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

namespace {

template <typename T>
json or_null(const std::optional<T>& value) {
  return value ? json(*value) : json(nullptr);
}

}  // namespace

Napi::Value gpus(Napi::Env env, const Nvml& nvml) {
  json list = json::array();
  for (const GpuReading& gpu : nvml.read())
    list.push_back({{"index", gpu.index},
                    {"uuid", gpu.uuid},
                    {"util", or_null(gpu.util)},
                    {"memoryUsedBytes", or_null(gpu.memory_used_bytes)},
                    {"temperatureC", or_null(gpu.temperature_c)},
                    {"powerW", or_null(gpu.power_w)},
                    {"energyJ", or_null(gpu.energy_j)},
                    {"pids", gpu.pids}});
  return to_js(env, list);
}

// What a GPU does not report is shown as 0.
Napi::Value telemetry(Napi::Env env, TelemetrySampler& sampler, const Nvml& nvml,
                      const std::filesystem::path& disk_path) {
  const Telemetry reading = sampler.read(nvml, disk_path);
  json gpus = json::array();
  for (const GpuReading& gpu : reading.gpus)
    gpus.push_back({{"index", gpu.index},
                    {"util", gpu.util.value_or(0)},
                    {"memoryUsedBytes", gpu.memory_used_bytes.value_or(0)},
                    {"memoryTotalBytes", gpu.memory_total_bytes.value_or(0)},
                    {"temperatureC", gpu.temperature_c.value_or(0)},
                    {"powerW", gpu.power_w.value_or(0)}});
  return to_js(env, {{"timeUs", reading.time_us},
                     {"cpuUtil", reading.cpu_util},
                     {"memoryUsedBytes", reading.memory_used_bytes},
                     {"memoryTotalBytes", reading.memory_total_bytes},
                     {"diskFreeBytes", reading.disk_free_bytes},
                     {"gpus", gpus}});
}

}  // namespace collie::addon
