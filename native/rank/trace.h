// Where the time of a piece of work goes, kernel by kernel.
#pragma once

#include <ATen/core/Tensor.h>

#include <filesystem>
#include <functional>

namespace collie {

// Runs `work` under Kineto, torch's profiler, and writes a Chrome trace: operators of the CPU and, on CUDA, every kernel and copy
// as CUPTI saw it (events of the category "kernel", "gpu_memcpy", "gpu_memset"; durations in microseconds). Needs no tool besides torch.
void trace(const std::filesystem::path& file, const at::Device& device, const std::function<void()>& work);

}  // namespace collie
