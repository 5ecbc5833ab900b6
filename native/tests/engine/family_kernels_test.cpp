// What families need beside Llama's kernels, against ATen under autograd in fp32 and bf16: widths that divide into packs and others.
#include <ATen/ATen.h>
#include <doctest/doctest.h>

#include <cmath>

#include "engine/kernels/kernels.h"
#include "kernel_variants.h"
#include "model_reference.h"

namespace collie::test {
namespace {

constexpr at::ScalarType kTypes[] = {at::kFloat, at::kBFloat16};

at::Tensor randn(at::IntArrayRef shape, at::ScalarType type) { return at::randn(shape).to(type); }
at::Tensor leaf(const at::Tensor& t) { return t.to(at::kFloat).clone().requires_grad_(true); }
double bound(at::ScalarType type) { return type == at::kFloat ? 1e-5 : 8e-3; }

// Runs the case with every set of kernels and every storage type.
template <class Case>
void for_kernels(Case run) {
  for (const auto& kernels : kernel_variants())
    for (const at::ScalarType type : kTypes) {
      CAPTURE(kernels->name());
      CAPTURE(type);
      run(*kernels, type);
    }
}

at::Tensor activated(const at::Tensor& gate, Activation activation) {
  if (activation == Activation::silu) return at::silu(gate);
  if (activation == Activation::relu) return at::relu(gate);
  return at::gelu(gate, activation == Activation::gelu_tanh ? "tanh" : "none");
}

constexpr Activation kActivations[] = {Activation::silu, Activation::gelu_tanh, Activation::gelu_erf, Activation::relu};

TEST_CASE("plain activations and their gradients") {
  at::manual_seed(16);
  for (const Activation activation : kActivations)
    for (const int64_t dim : {40, 33})
      for_kernels([&](Kernels& kernels, at::ScalarType type) {
        CAPTURE(dim);
        const at::Tensor x = randn({7, dim}, type) * 2, dy = randn({7, dim + 8}, type).narrow(1, 0, dim);
        const at::Tensor input = leaf(x), y = at::zeros({7, dim + 8}, type).narrow(1, 0, dim);
        const at::Tensor expected = activated(input, activation);
        (expected * dy.to(at::kFloat)).sum().backward();
        kernels.activate(x, y, activation);
        CHECK(relative_error(y, expected) < bound(type));
        kernels.activate_backward(x, dy, activation);
        CHECK(relative_error(x, input.grad()) < bound(type));
      });
}

TEST_CASE("gated activations and their gradients") {
  at::manual_seed(11);
  for (const Activation activation : kActivations)
    for (const int64_t dim : {40, 33})
      for_kernels([&](Kernels& kernels, at::ScalarType type) {
        CAPTURE(dim);
        const at::Tensor gate_up = randn({7, 2 * dim}, type) * 2, dy = randn({7, dim + 8}, type).narrow(1, 0, dim);
        const at::Tensor input = leaf(gate_up), y = at::zeros({7, dim + 8}, type).narrow(1, 0, dim);
        const at::Tensor expected = activated(input.narrow(1, 0, dim), activation) * input.narrow(1, dim, dim);
        (expected * dy.to(at::kFloat)).sum().backward();
        kernels.swiglu(gate_up, y, activation);
        CHECK(relative_error(y, expected) < bound(type));
        kernels.swiglu_backward(gate_up, dy, activation);
        CHECK(relative_error(gate_up, input.grad()) < bound(type));
      });
}

TEST_CASE("soft caps and their gradients") {
  at::manual_seed(12);
  for (const int64_t cols : {64, 61})
    for_kernels([&](Kernels& kernels, at::ScalarType type) {
      CAPTURE(cols);
      const at::Tensor whole = randn({5, 72}, type) * 30, before = whole.clone(), y = whole.narrow(1, 0, cols);
      const at::Tensor dx = randn({5, 72}, type).narrow(1, 0, cols), input = leaf(y),
                       expected = 20 * at::tanh(input / 20);
      (expected * dx.to(at::kFloat)).sum().backward();
      kernels.soft_cap(y, 20);
      CHECK(relative_error(y, expected) < bound(type));
      CHECK(at::equal(whole.narrow(1, cols, 72 - cols), before.narrow(1, cols, 72 - cols)));
      kernels.soft_cap_backward(y, dx, 20);
      CHECK(relative_error(dx, input.grad()) < 3 * bound(type));
    });
}

// Of groups of columns; `offset` is added to the weight.
at::Tensor normed(const at::Tensor& x, const at::Tensor& weight, double eps, double offset) {
  const at::Tensor groups = x.unflatten(1, {-1, weight.numel()});
  return (groups * at::rsqrt(groups.square().mean(-1, true) + eps) * (weight + offset)).flatten(1);
}

TEST_CASE("norms over groups of columns, with weights as they are and with 1 added") {
  at::manual_seed(13);
  for (const double offset : {0.0, 1.0})
    for (const auto& [groups, dim] : std::vector<std::pair<int64_t, int64_t>>{{6, 16}, {3, 128}, {1, 520}, {5, 10}})
      for_kernels([&](Kernels& kernels, at::ScalarType type) {
        CAPTURE(dim);
        const int64_t n = 11, width = groups * dim;
        const at::Tensor x = randn({n, width + 16}, type).narrow(1, 16, width), weight = randn({dim}, type),
                         dy = randn({n, width}, type);
        const at::Tensor input = leaf(x), scale = leaf(weight), expected = normed(input, scale, 1e-5, offset);
        (expected * dy.to(at::kFloat)).sum().backward();
        const at::Tensor y = at::zeros({n, width}, type), rstd = at::zeros({n, groups}), dweight = at::ones({dim});
        kernels.group_norm({x, weight, y, rstd, 1e-5, offset});
        CHECK(relative_error(y, expected) < bound(type));
        kernels.group_norm_backward({x, weight, rstd, dy, dweight, offset});
        CHECK(relative_error(dy, input.grad()) < bound(type));
        CHECK(relative_error(dweight - 1, scale.grad()) < 1e-4);
      });
}

TEST_CASE("a norm of rows whose weight is stored without its 1") {
  at::manual_seed(14);
  for (const int64_t dim : {64, 61})
    for_kernels([&](Kernels& kernels, at::ScalarType type) {
      CAPTURE(dim);
      const at::Tensor x = randn({9, dim}, type), weight = randn({dim}, type), dy = randn({9, dim}, type);
      const at::Tensor input = leaf(x), scale = leaf(weight), expected = normed(input, scale, 1e-6, 1);
      (expected * dy.to(at::kFloat)).sum().backward();
      const at::Tensor y = at::zeros({9, dim}, type), rstd = at::zeros({9}), dx = at::zeros({9, dim}, type),
                       dweight = at::zeros({dim});
      kernels.rms_norm(
          {.x = x, .residual = {}, .sum = {}, .weight = weight, .y = y, .rstd = rstd, .eps = 1e-6, .offset = 1});
      CHECK(relative_error(y, expected) < bound(type));
      kernels.rms_norm_backward(
          {.x = x, .weight = weight, .dy = dy, .rstd = rstd, .dx = dx, .dweight = dweight, .offset = 1});
      CHECK(relative_error(dx, input.grad()) < bound(type));
      CHECK(relative_error(dweight, scale.grad()) < 1e-4);
    });
}

TEST_CASE("LayerNorm of a sum, with and without a bias, and its gradients") {
  at::manual_seed(17);
  for (const int64_t dim : {64, 61, 520})
    for (const bool biased : {true, false})
      for_kernels([&](Kernels& kernels, at::ScalarType type) {
        CAPTURE(dim);
        CAPTURE(biased);
        // Far from zero: a variance as a difference of large sums would be wrong.
        const at::Tensor x = randn({9, dim}, type) + 3, residual = randn({9, dim + 8}, type).narrow(1, 0, dim);
        const at::Tensor weight = randn({dim}, type), bias = at::randn({dim}),
                         dy = randn({9, dim + 16}, type).narrow(1, 0, dim);
        const at::Tensor sum = at::zeros({9, dim}, type), y = at::zeros({9, dim}, type), rstd = at::zeros({9}),
                         mean = at::zeros({9});
        kernels.layer_norm({.x = x,
                            .residual = residual,
                            .sum = sum,
                            .weight = weight,
                            .bias = biased ? bias : at::Tensor(),
                            .y = y,
                            .rstd = rstd,
                            .mean = mean,
                            .eps = 1e-5});
        CHECK(relative_error(sum, x.to(at::kFloat) + residual.to(at::kFloat)) < bound(type));
        const at::Tensor input = leaf(sum), scale = leaf(weight);
        const at::Tensor expected = at::layer_norm(input, {dim}, scale, biased ? bias : at::Tensor(), 1e-5);
        (expected * dy.to(at::kFloat)).sum().backward();
        CHECK(relative_error(y, expected) < bound(type));
        CHECK(relative_error(mean, input.mean(1)) < 1e-5);
        const at::Tensor before = randn({9, dim}, type), dx = before.clone(), dweight = at::ones({dim});
        kernels.layer_norm_backward(
            {.x = sum, .weight = weight, .dy = dy, .rstd = rstd, .mean = mean, .dx = dx, .dweight = dweight});
        CHECK(relative_error(dx, input.grad() + before.to(at::kFloat)) < bound(type));
        CHECK(relative_error(dweight - 1, scale.grad()) < 1e-4);
      });
}

// The first 2 `half` elements of every head turn, the others stay.
at::Tensor rotated(const Rotary& r, double sign) {
  const at::Tensor x = r.x.to(at::kFloat).unflatten(1, {r.heads, r.head_dim}), rows = r.positions.to(at::kLong);
  const int64_t half = r.cos.size(1);
  const at::Tensor c = r.cos.index_select(0, rows).unsqueeze(1), s = sign * r.sin.index_select(0, rows).unsqueeze(1);
  const bool adjacent = r.pairs == RotaryPairs::adjacent;
  const at::Tensor turning = x.narrow(2, 0, 2 * half);
  const at::Tensor pairs = adjacent ? turning.unflatten(2, {half, 2}) : turning.unflatten(2, {2, half}).transpose(2, 3);
  const at::Tensor a = pairs.select(3, 0), b = pairs.select(3, 1),
                   result = at::stack({a * c - b * s, b * c + a * s}, 3);
  const at::Tensor turned = adjacent ? result.flatten(2) : result.transpose(2, 3).flatten(2);
  return at::cat({turned, x.narrow(2, 2 * half, r.head_dim - 2 * half)}, 2).flatten(1);
}

TEST_CASE("rotary embeddings of a part of each head, by halves and by neighbours, there and back") {
  at::manual_seed(15);
  for (const RotaryPairs pairs : {RotaryPairs::half, RotaryPairs::adjacent})
    for (const auto& [head_dim, half] : std::vector<std::pair<int64_t, int64_t>>{{32, 16}, {32, 8}, {20, 3}, {24, 4}})
      for_kernels([&](Kernels& kernels, at::ScalarType type) {
        CAPTURE(head_dim);
        CAPTURE(half);
        const at::Tensor x = randn({13, 3 * head_dim + 8}, type).narrow(1, 0, 3 * head_dim), before = x.clone();
        const at::Tensor angles = at::rand({50, half}) * 6, positions = at::randint(50, {13}, at::kInt);
        const Rotary r{.x = x,
                       .positions = positions,
                       .cos = angles.cos(),
                       .sin = angles.sin(),
                       .heads = 3,
                       .head_dim = head_dim,
                       .pairs = pairs};
        const at::Tensor expected = rotated(r, 1);
        kernels.rotary(r, Direction::forward);
        CHECK(relative_error(x, expected) < bound(type));
        kernels.rotary(r, Direction::backward);
        CHECK(relative_error(x, before) < 2 * bound(type));
      });
}

TEST_CASE("attention with a soft cap of scores and a scale of its own") {
  at::manual_seed(16);
  constexpr int64_t kHeads = 4, kKv = 2, kDim = 16, kLength = 37;
  for (const int64_t window : {0, 9})
    for_kernels([&](Kernels& kernels, at::ScalarType type) {
      CAPTURE(window);
      const at::Tensor qkv = randn({kLength, (kHeads + 2 * kKv) * kDim}, type) * 2,
                       dout = randn({kLength, kHeads * kDim}, type), input = leaf(qkv);
      const at::Tensor x = input.view({kLength, kHeads + 2 * kKv, kDim}).transpose(0, 1);
      const at::Tensor q = x.narrow(0, 0, kHeads), k = x.narrow(0, kHeads, kKv).repeat_interleave(kHeads / kKv, 0);
      const at::Tensor v = x.narrow(0, kHeads + kKv, kKv).repeat_interleave(kHeads / kKv, 0);
      at::Tensor hidden = at::ones({kLength, kLength}, at::kBool).tril().logical_not();
      if (window) hidden = hidden | at::ones({kLength, kLength}, at::kBool).triu(1 - window).logical_not();
      const at::Tensor scores = 3 * at::tanh(at::matmul(q, k.transpose(1, 2)) * 0.4 / 3);
      const at::Tensor expected = at::matmul(scores.masked_fill(hidden, -1e30).softmax(-1), v)
                                      .transpose(0, 1)
                                      .reshape({kLength, kHeads * kDim});
      (expected * dout.to(at::kFloat)).sum().backward();

      const AttentionShape shape{
          .heads = kHeads, .kv_heads = kKv, .head_dim = kDim, .window = window, .scale = 0.4, .softcap = 3};
      const std::vector<int32_t> borders{0, kLength};
      const Documents docs{borders, at::tensor(borders, at::kInt), kLength};
      const at::Tensor out = at::zeros({kLength, kHeads * kDim}, type), lse = at::zeros({kHeads, kLength}),
                       dqkv = at::zeros_like(qkv);
      kernels.attention(shape, docs, {qkv, out, lse});
      CHECK(relative_error(out, expected) < bound(type));
      kernels.attention_backward(shape, docs, {{qkv, out, lse}, dout, dqkv});
      CHECK(relative_error(dqkv, input.grad()) < 2 * bound(type));
      const at::Tensor keys = qkv.narrow(1, kHeads * kDim, kKv * kDim).contiguous(),
                       values = qkv.narrow(1, (kHeads + kKv) * kDim, kKv * kDim).contiguous();
      const at::Tensor last = at::zeros({2, kHeads * kDim}, type);
      kernels.attention_cached(shape, qkv.narrow(0, kLength - 2, 2).narrow(1, 0, kHeads * kDim), keys, values, last);
      CHECK(relative_error(last, expected.narrow(0, kLength - 2, 2)) < bound(type));
    });
}

}  // namespace
}  // namespace collie::test
