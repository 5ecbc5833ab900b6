// collie-rank gemm: what the engine's matrix products reach on this machine, as one JSON line. What a training reaches is held against it.
#include <ATen/ATen.h>
#include <ATen/DeviceAccelerator.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <chrono>

#include "engine/kernels/kernels.h"
#include "engine/train/device.h"
#include "rank/arguments.h"
#include "rank/commands.h"
#include "rank/process.h"

namespace collie {

namespace {

using Clock = std::chrono::steady_clock;

constexpr double kLeastSeconds = 0.05;  // of a measurement: a clock is read much faster
constexpr double kAllSeconds = 1.5;

double seconds_since(Clock::time_point begin) { return std::chrono::duration<double>(Clock::now() - begin).count(); }

// Square products, large enough that their arithmetic is all that counts: a step has none that are better to compute.
class Product {
 public:
  Product(const at::Device& device, at::ScalarType type, int64_t size)
      : device_(device), kernels_(make_kernels(device.type())), size_(size) {
    const auto options = at::TensorOptions().device(device).dtype(type);
    a_ = at::randn({size, size}, options);
    b_ = at::randn({size, size}, options);
    c_ = at::empty({size, size}, options);
  }

  // So many, one after another.
  double seconds_of(int64_t count) {
    const Clock::time_point begin = Clock::now();
    for (int64_t i = 0; i < count; ++i) kernels_->gemm(a_, b_.t(), c_);
    if (device_.is_cuda()) at::accelerator::synchronizeDevice(device_.index());
    return seconds_since(begin);
  }

  double flops() const {
    return 2.0 * static_cast<double>(size_) * static_cast<double>(size_) * static_cast<double>(size_);
  }

 private:
  at::Device device_;
  std::unique_ptr<Kernels> kernels_;
  int64_t size_;
  at::Tensor a_, b_, c_;
};

// The best of all measurements: what disturbs one only makes it slower.
double best_rate(Product& product) {
  int64_t count = 1;
  while (product.seconds_of(count) < kLeastSeconds) count *= 2;
  double best = 0;
  for (const Clock::time_point begin = Clock::now(); seconds_since(begin) < kAllSeconds;)
    best = std::max(best, product.flops() * static_cast<double>(count) / product.seconds_of(count));
  return best;
}

}  // namespace

int gemm_command(const Words& words) {
  const Arguments arguments(words, {"device", "precision", "size", "threads"});
  set_threads(arguments.integer("threads", 0, 0, 1024));
  const bool cuda = arguments.choice("device", "cpu", {"cpu", "cuda"}) == "cuda";
  const bool bf16 = arguments.choice("precision", "bf16", {"bf16", "fp32"}) == "bf16";
  const at::Device device = choose_device(cuda ? DeviceType::cuda : DeviceType::cpu);
  const int64_t size = arguments.integer("size", cuda ? 8192 : 1024, 16, 65536);
  Product product(device, bf16 ? at::kBFloat16 : at::kFloat, size);
  print_line({{"device", device_name(device)},
              {"precision", bf16 ? "bf16" : "fp32"},
              {"size", size},
              {"threads", at::get_num_threads()},
              {"flops_per_second", best_rate(product)}});
  return 0;
}

}  // namespace collie
