// Views of the activation buffers, and what the attention demands of them.
#include <ATen/ATen.h>
#include <doctest/doctest.h>

#include "engine/kernels/kernels.h"
#include "engine/model/workspace.h"
#include "model_reference.h"
#include "peft_support.h"

namespace collie::test {
namespace {

TEST_CASE("log-sum-exps of a micro-batch below the capacity lie head by head, without gaps") {
  const ModelConfig config = tiny_config();
  const auto method = std::optional<MethodSpec>(full_method());
  const ModelLayout layout =
      model_layout(config, method, Purpose::train, Masters::fp32, Quantization::none, whole_model(config));
  for (const auto& [level, checkpointing] : kCheckpointingLevels) {
    CAPTURE(level);
    const Workspace workspace(config, layout, method,
                              {.checkpointing = checkpointing, .capacity = 64, .max_document = 40, .slots = 2});
    for (const int64_t n : {1, 39, 64})
      for (int64_t layer = 0; layer < config.n_layers; ++layer) {
        const at::Tensor lse = workspace.layer(layer, n, 1).lse;
        CHECK(lse.size(0) == config.n_heads);
        CHECK(lse.size(1) == n);
        CHECK(lse.is_contiguous());
      }
  }
}

TEST_CASE("attention refuses log-sum-exps with gaps between the heads") {
  const auto kernels = make_cpu_kernels();
  const int64_t n = 6, heads = 2, head_dim = 16;
  const at::Tensor qkv = at::randn({n, 3 * heads * head_dim}), out = at::zeros({n, heads * head_dim}),
                   wide = at::zeros({heads, n + 2});
  const std::vector<int32_t> offsets = {0, n};
  const Documents docs{offsets, at::Tensor(), n};
  const AttentionShape shape{heads, heads, head_dim, 0, 0.25};
  CHECK_THROWS_WITH(kernels->attention(shape, docs, {qkv, out, wide.narrow(1, 0, n)}), doctest::Contains("contiguous"));
  CHECK_THROWS_WITH(
      kernels->attention_backward(shape, docs, {{qkv, out, wide.narrow(1, 0, n)}, out, at::zeros_like(qkv)}),
      doctest::Contains("contiguous"));
  CHECK_NOTHROW(kernels->attention(shape, docs, {qkv, out, wide.flatten().narrow(0, 0, heads * n).view({heads, n})}));
}

}  // namespace
}  // namespace collie::test
