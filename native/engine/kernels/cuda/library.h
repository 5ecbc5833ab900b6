// What the kernels take from the CUDA runtime and from libtorch's CUDA library, in one place: native/tests/emulation has the same over
// host memory, and runs everything else of this folder on the CPU.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/util/FunctionRef.h>
#include <cuda_runtime_api.h>

#include <optional>
#include <string>
#include <utility>

#include "engine/kernels/kernels.h"

namespace collie::cuda {

// The device with its index; "cuda" alone is the first one. Throws device.unavailable when this machine does not show it.
at::Device checked_device(at::Device device);
std::string device_name(at::Device device);
bool on_device(const at::Tensor& t);
// For the whole process: products of bf16 matrices are summed in fp32 throughout, also where cuBLAS splits a sum into parts.
void sum_products_in_fp32();

// Calls `work` with the current stream of the tensor's device, which is the thread's current device meanwhile, and throws what the
// launches report.
void run_on(const at::Tensor& t, c10::function_ref<void(cudaStream_t)> work);

// c = alpha a b + beta c. a and b have one type, c has it too or is fp32.
void multiply(const at::Tensor& a, const at::Tensor& b, const at::Tensor& c, GemmScale scale);

// Fused attention over heads, bf16: q [N, H, E], k and v [N, KV, E], any strides between rows and heads.
struct FusedAttention {
  at::Tensor q, k, v;
  // int32 borders of documents that lie one after another; undefined: one document, whose last N keys are the queries' own.
  at::Tensor offsets;
  int64_t longest_q = 0, longest_k = 0;
  std::optional<int64_t> keys_to_the_left;  // of a query's own that it sees; none: all
  double scale = 1;
};
struct FusedOutput {
  at::Tensor out;  // [N, H, E]
  at::Tensor lse;  // fp32 [H, N], with offsets
};
FusedOutput fused_attention(const FusedAttention& a);
struct FusedGradients {
  at::Tensor dq, dk, dv;
};
// All of `out`, `dout` [N, H, E] and `lse` [H, N] contiguous. The same bits every time.
FusedGradients fused_attention_backward(const FusedAttention& a, const at::Tensor& dout, const FusedOutput& forward);

}  // namespace collie::cuda
