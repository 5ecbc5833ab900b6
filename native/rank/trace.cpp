#include "rank/trace.h"

#include <torch/csrc/autograd/profiler_kineto.h>

namespace collie {

void trace(const std::filesystem::path& file, const at::Device& device, const std::function<void()>& work) {
  using torch::profiler::impl::ActivityType;
  using torch::profiler::impl::ProfilerConfig;
  using torch::profiler::impl::ProfilerState;
  namespace profiler = torch::autograd::profiler;
  const ProfilerConfig config(ProfilerState::KINETO);
  std::set<ActivityType> activities{ActivityType::CPU};
  if (device.is_cuda()) activities.insert(ActivityType::CUDA);
  profiler::prepareProfiler(config, activities);
  profiler::enableProfiler(config, activities);
  work();
  profiler::disableProfiler()->save(file.string());
}

}  // namespace collie
