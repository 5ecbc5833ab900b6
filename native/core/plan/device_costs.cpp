#include "core/plan/device_costs.h"

#include <algorithm>
#include <map>

namespace collie {
namespace {

// Resident memory.
int64_t cpu_overhead(const PlanInput&) { return int64_t{110} << 20; }

// One packed operand of a product for all threads (and the sums of products with more terms than are packed at once); per
// thread a block of the other operand and of the result, or the scores of a block of queries with the gradients of keys and
// values.
int64_t cpu_scratch(const ModelConfig& c, const ModelLayout& model, const PlanInput& in) {
  constexpr int64_t kPackedFloats = 3 << 19, kSlice = 512, kGemmFloats = 168 * (256 + 512), kBlockRows = 192,
                    kMargin = 32;
  const int64_t group = model.heads.heads.size / model.heads.kv_heads.size, e = c.head_dim;
  const int64_t rows = group * std::max<int64_t>(16, kBlockRows / group);
  const int64_t keys = c.widest_window() ? std::min(in.max_document, c.widest_window() + rows) : in.max_document;
  const int64_t pack =
      std::max({(rows + keys + kMargin) * e, (rows + e + kMargin) * keys, (keys + e + kMargin) * rows});
  const int64_t attention = 2 * in.max_document * e + 3 * rows * e + 2 * rows * keys + pack;
  const int64_t per_thread = std::max(kGemmFloats, attention);
  return 4 * (kPackedFloats + kSlice * in.capacity_tokens + in.threads * per_thread);
}

// cuBLAS and cuBLASLt get 32 MiB each from libtorch on Hopper and later. NCCL's buffers: 4 MiB for every channel and direction of a
// group, of which a rank of several has up to four (world, tensor, pipeline, data).
int64_t cuda_overhead(const PlanInput& in) {
  constexpr int64_t kMatrixLibraries = int64_t{96} << 20, kNcclGroup = int64_t{128} << 20;
  const bool tensor = in.shard && in.shard->tp_size > 1,
             pipeline = in.slots > 1 || (in.shard && !(in.shard->embedding && in.shard->head));
  const int64_t groups = (tensor ? 1 : 0) + (pipeline ? 1 : 0) + (in.dp_size > 1 ? 1 : 0);
  return kCudaContextBytes + kMatrixLibraries + (groups > 0 ? (groups + 1) * kNcclGroup : 0);
}

// Fused attention (FlashAttention-2 as libtorch has it) allocates what it returns and what it works with; the engine copies from and to
// it. Backward that is: output and its gradient without gaps, dq, dk, dv, the latter two once for every query head, and the sums of dq in
// fp32, once for every part that the keys of a head are split into so that all multiprocessors have work. The exact kernels keep a number
// a head and token.
int64_t cuda_scratch(const ModelConfig& c, const ModelLayout& model, const PlanInput& in) {
  constexpr int64_t kPartials = int64_t{16} << 20, kPartialsOfColumn = 64 * 4;  // sums of columns and norms
  const int64_t own_kernels = kPartials + (c.traits.head_bias ? kPartialsOfColumn * model.vocabulary.size : 0);
  constexpr int64_t kMultiprocessors = 188;  // of the largest card that there is
  constexpr int64_t kBlockRows = 128, kLargestHead = 256;
  const int64_t heads = model.heads.heads.size, kv_heads = model.heads.kv_heads.size, e = c.head_dim,
                n = in.capacity_tokens;
  const int64_t statistics = 4 * heads * n;
  if (in.precision == Precision::fp32 || e > kLargestHead || e % 8 != 0) return own_kernels + statistics;
  const int64_t bf16 = 2, out = bf16 * n * heads * e;
  if (in.purpose == Purpose::serve) return own_kernels + out + statistics;
  const int64_t documents = (n + in.max_document - 1) / in.max_document;  // at least; more have fewer parts
  const int64_t parts = (kMultiprocessors + heads * documents - 1) / (heads * documents);
  const int64_t padded_rows = n + kBlockRows * documents, padded_e = e <= 192 ? (e + 31) / 32 * 32 : kLargestHead;
  const int64_t key_values = 2 * bf16 * n * kv_heads * e, repeated = kv_heads == heads ? 0 : 2 * out;
  return own_kernels + 3 * out + key_values + repeated + 4 * heads * padded_rows * (parts * padded_e + 1) + statistics;
}

struct DeviceCosts {
  int64_t (*overhead)(const PlanInput&);
  int64_t (*scratch)(const ModelConfig&, const ModelLayout&, const PlanInput&);
};

const DeviceCosts& costs_of(DeviceType device) {
  static const std::map<DeviceType, DeviceCosts> rows = {{DeviceType::cpu, {cpu_overhead, cpu_scratch}},
                                                         {DeviceType::cuda, {cuda_overhead, cuda_scratch}}};
  return rows.at(device);
}

}  // namespace

int64_t device_overhead_bytes(const PlanInput& in) { return costs_of(in.device).overhead(in); }

int64_t device_scratch_bytes(const ModelConfig& config, const ModelLayout& model, const PlanInput& in) {
  return costs_of(in.device).scratch(config, model, in);
}

}  // namespace collie
