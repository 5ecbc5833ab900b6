// The one place that decides where a run computes, and how much memory is in use there.
#pragma once

#include <c10/core/Device.h>

#include <cstdint>
#include <string>

#include "core/recipe/run_spec.h"
#include "engine/parallel/world.h"

namespace collie {

// Every rank of a host has a CUDA device of its own, which becomes the one that this thread uses. Throws device.unavailable when this
// build has no CUDA kernels, or the machine no CUDA device, or fewer than ranks.
at::Device choose_device(DeviceType type, const HostPlace& place = {});
// CUDA devices that this build could use.
int64_t cuda_device_count();
// "cpu", "cuda:0"
std::string device_name(const at::Device& device);

struct MemoryNow {
  int64_t bytes = 0;
  int64_t peak_bytes = 0;
};

// Resident memory of this process now and at its peak; on CUDA, memory of the device's allocator. 0 where the system does not
// tell.
MemoryNow memory_now(const at::Device& device);
// All memory of the machine, of the container when that has less, or of the device; 0 where the system does not tell.
int64_t memory_total(const at::Device& device);
// Memory that could still be had, for messages; 0 where the system does not tell.
int64_t memory_available(const at::Device& device);

}  // namespace collie
