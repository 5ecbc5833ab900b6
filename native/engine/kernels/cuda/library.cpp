#include "engine/kernels/cuda/library.h"

#include <ATen/Context.h>
#include <ATen/ops/_flash_attention_backward.h>
#include <ATen/ops/_flash_attention_forward.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/empty.h>
#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAFunctions.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>

#include "core/base/error.h"

namespace collie::cuda {
namespace {

// FlashAttention's backward pass adds up the gradient of the queries in the order in which blocks finish, unless it is asked not to. Asked
// only here: elsewhere the switch makes cuBLAS refuse to work without a setting in the environment, and fills new tensors.
class Deterministic {
 public:
  Deterministic()
      : before_(at::globalContext().deterministicAlgorithms()),
        fills_(at::globalContext().deterministicFillUninitializedMemory()) {
    at::globalContext().setDeterministicAlgorithms(true, /*warn_only=*/false);
    at::globalContext().setDeterministicFillUninitializedMemory(false);
  }
  ~Deterministic() {
    at::globalContext().setDeterministicAlgorithms(before_, false);
    at::globalContext().setDeterministicFillUninitializedMemory(fills_);
  }
  Deterministic(const Deterministic&) = delete;
  Deterministic& operator=(const Deterministic&) = delete;

 private:
  bool before_, fills_;
};

}  // namespace

at::Device checked_device(at::Device device) {
  const int count = c10::cuda::device_count();
  const int index = device.has_index() ? device.index() : 0;
  if (index >= count)
    throw Error("device.unavailable",
                "CUDA device " + std::to_string(index) + " is not there: this machine shows " + std::to_string(count),
                "Check the driver with nvidia-smi, or choose device cpu.", {{"index", index}, {"count", count}});
  return at::Device(at::kCUDA, static_cast<at::DeviceIndex>(index));
}

std::string device_name(at::Device device) {
  cudaDeviceProp properties;
  C10_CUDA_CHECK(cudaGetDeviceProperties(&properties, device.index()));
  return std::string("cuda ") + properties.name;
}

bool on_device(const at::Tensor& t) { return t.is_cuda(); }

void sum_products_in_fp32() { at::globalContext().setAllowBF16ReductionCuBLAS(false); }

void run_on(const at::Tensor& t, c10::function_ref<void(cudaStream_t)> work) {
  const c10::cuda::CUDAGuard guard(t.device());
  work(c10::cuda::getCurrentCUDAStream(t.device().index()));
  C10_CUDA_CHECK(cudaGetLastError());
}

void multiply(const at::Tensor& a, const at::Tensor& b, const at::Tensor& c, GemmScale scale) {
  at::Tensor out = c;
  if (a.scalar_type() == c.scalar_type())
    at::addmm_out(out, c, a, b, scale.beta, scale.alpha);
  else
    at::addmm_out(out, c, a, b, at::kFloat, scale.beta, scale.alpha);
}

FusedOutput fused_attention(const FusedAttention& a) {
  const bool documents = a.offsets.defined();
  const auto offsets = documents ? std::optional<at::Tensor>(a.offsets) : std::nullopt;
  const auto batch = [&](const at::Tensor& t) { return documents ? t : t.unsqueeze(0); };
  const auto [out, lse, rng, unused, debug] = at::_flash_attention_forward(
      batch(a.q), batch(a.k), batch(a.v), offsets, offsets, a.longest_q, a.longest_k, /*dropout_p=*/0.0,
      /*is_causal=*/true, /*return_debug_mask=*/false, a.scale, a.keys_to_the_left);
  return {documents ? out : out.squeeze(0), lse};
}

FusedGradients fused_attention_backward(const FusedAttention& a, const at::Tensor& dout, const FusedOutput& forward) {
  const Deterministic deterministic;
  const at::Tensor no_rng = at::empty({2}, forward.lse.options().dtype(at::kUInt64));  // without dropout it is not read
  const auto [dq, dk, dv] = at::_flash_attention_backward(
      dout, a.q, a.k, a.v, forward.out, forward.lse, a.offsets, a.offsets, a.longest_q, a.longest_k, /*dropout_p=*/0.0,
      /*is_causal=*/true, no_rng, no_rng, a.scale, a.keys_to_the_left);
  return {dq, dk, dv};
}

}  // namespace collie::cuda
