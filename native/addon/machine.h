// The machine as JavaScript sees it: devices() and telemetry(diskPath) of electron/shared/api/entities.ts, gpus() of electron/server/native/addon.ts.
#pragma once

#include <napi.h>

#include <filesystem>

#include "core/machine/nvml.h"
#include "core/machine/telemetry.h"

namespace collie::addon {

Napi::Value devices(Napi::Env env, const Nvml& nvml);
// [{index, uuid, util, memoryUsedBytes, temperatureC, powerW, energyJ, pids}], null for what a GPU does not tell.
Napi::Value gpus(Napi::Env env, const Nvml& nvml);
Napi::Value telemetry(Napi::Env env, TelemetrySampler& sampler, const Nvml& nvml,
                      const std::filesystem::path& disk_path);

}  // namespace collie::addon
