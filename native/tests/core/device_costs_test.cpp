// What a GPU takes besides the tensors of a run, against counts by hand.
#include "core/plan/device_costs.h"

#include <doctest/doctest.h>

namespace collie {
namespace {

// Llama 3.1 8B.
ModelConfig model() {
  ModelConfig c;
  c.family = "llama";
  c.hidden_size = 4096;
  c.intermediate_size = 14336;
  c.n_layers = 32;
  c.n_heads = 32;
  c.n_kv_heads = 8;
  c.head_dim = 128;
  c.vocab_size = 128256;
  c.max_position = 8192;
  return c;
}

RunSpec run(DeviceType device, Precision precision) {
  RunSpec spec;
  spec.method = {.type = "full"};
  spec.optimizer.type = "adamw";
  spec.batch = {.micro_batch_size = 2, .grad_accum_steps = 1, .seq_len = 4096, .packing = false};
  spec.precision = precision;
  spec.device = device;
  return spec;
}

TEST_CASE(
    "a run's tensors are the same on every device but for the logits at a time, what comes with the device is not") {
  const MemoryPlan cpu = plan_memory(model(), run(DeviceType::cpu, Precision::bf16), 8);
  const MemoryPlan gpu = plan_memory(model(), run(DeviceType::cuda, Precision::bf16), 8);
  CHECK(gpu.weights == cpu.weights);
  CHECK(gpu.gradients == cpu.gradients);
  // Logits: 2048 rows at a time instead of what fits into 32 MiB.
  CHECK(gpu.activations - cpu.activations == (2048 - (64 << 20) / (2 * 128256)) * 128256 * 2);
  CHECK(gpu.overhead == (int64_t{520 + 96} << 20));
  CHECK(plan_memory(model(), run(DeviceType::cuda, Precision::bf16), 64).scratch ==
        gpu.scratch);  // the host's threads are not its
}

TEST_CASE("temporaries of the fused attention, by hand") {
  const MemoryPlan plan = plan_memory(model(), run(DeviceType::cuda, Precision::bf16), 8);
  // Per token: out, dout, dq 8 KiB each; dk, dv 2 KiB each, and again for all 32 heads; sums of dq in 3 parts, since 2 documents of 32
  // heads leave multiprocessors idle; two numbers a head.
  const int64_t tokens = 8192, padding = 2 * 128;
  const int64_t by_hand =
      tokens * (3 * 8192 + 2 * 2048 + 2 * 8192 + 4 * 32) + (tokens + padding) * 32 * 4 * (3 * 128 + 1);
  CHECK(plan.scratch == by_hand + (int64_t{16} << 20));
  CHECK(plan_memory(model(), run(DeviceType::cuda, Precision::fp32), 8).scratch ==
        (int64_t{16} << 20) + tokens * 32 * 4);
}

TEST_CASE("ranks of a group have its buffers") {
  RunSpec spec = run(DeviceType::cuda, Precision::bf16);
  spec.parallel.dp_size = 2;
  CHECK(plan_memory(model(), spec, 8).overhead == (int64_t{520 + 96 + 2 * 128} << 20));
}

}  // namespace
}  // namespace collie
