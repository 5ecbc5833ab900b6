// Kernels against ATen, in fp32 and bf16, on odd sizes, and every instruction set against every other.
#include <ATen/ATen.h>
#include <doctest/doctest.h>

#include <cmath>

#include "engine/kernels/kernels.h"
#include "kernel_variants.h"
#include "model_reference.h"

namespace collie::test {
namespace {

at::Tensor randn(at::IntArrayRef shape, at::ScalarType type = at::kFloat) { return at::randn(shape).to(type); }
at::Tensor f32(const at::Tensor& t) { return t.to(at::kFloat); }
double bound(at::ScalarType type) { return type == at::kFloat ? 1e-5 : 6e-3; }

constexpr at::ScalarType kTypes[] = {at::kFloat, at::kBFloat16};

TEST_CASE("gemm: transposes, strides, mixed storage, alpha and beta, few rows and long sums") {
  at::manual_seed(1);
  struct Size {
    int64_t m, n, k;
  };
  for (const auto& kernels : kernel_variants())
    for (const Size s : {Size{1, 1, 1}, Size{7, 33, 129}, Size{1, 200, 64}, Size{3, 17, 40}, Size{15, 9, 77},
                         Size{32, 33, 100}, Size{131, 70, 401}, Size{48, 600, 300}, Size{20, 30, 9001},
                         Size{40, 2000, 300}, Size{131, 300, 4000}, Size{20, 700, 5000}})
      for (const at::ScalarType type : kTypes)
        for (const at::ScalarType out : kTypes)
          for (int layout = 0; layout < 4; ++layout)
            for (const double beta : {0.0, 1.0}) {
              CAPTURE(kernels->name());
              CAPTURE(s.m);
              CAPTURE(s.k);
              CAPTURE(layout);
              const at::Tensor a = layout & 1 ? randn({s.k, s.m + 3}, type).narrow(1, 2, s.m).t()
                                              : randn({s.m, s.k + 5}, type).narrow(1, 1, s.k);
              const at::Tensor b = layout & 2 ? randn({s.n, s.k + 1}, type).narrow(1, 0, s.k).t()
                                              : randn({s.k, s.n + 4}, type).narrow(1, 3, s.n);
              const at::Tensor whole = randn({s.m, s.n + 2}, out), before = whole.clone(), c = whole.narrow(1, 1, s.n);
              const at::Tensor expected = 0.5 * at::matmul(f32(a), f32(b)) + beta * f32(c);
              kernels->gemm(a, b, c, {.alpha = 0.5, .beta = beta});
              CHECK(relative_error(c, expected) < bound(out) * (s.k > 5000 ? 3 : 1));
              CHECK(at::equal(whole.narrow(1, 0, 1), before.narrow(1, 0, 1)));  // what lies around c is left alone
              CHECK(at::equal(whole.narrow(1, s.n + 1, 1), before.narrow(1, s.n + 1, 1)));
            }
}

TEST_CASE("gemm of few rows: a row is the same bits whatever is computed with it") {
  at::manual_seed(1);
  for (const auto& kernels : kernel_variants())
    for (const at::ScalarType type : kTypes) {
      CAPTURE(kernels->name());
      const at::Tensor x = randn({7, 77}, type), w = randn({19, 77}, type);
      const at::Tensor together = at::empty({7, 19}, x.options()), alone = at::empty_like(together);
      kernels->gemm(x, w.t(), together);
      for (int64_t row = 0; row < x.size(0); ++row) kernels->gemm(x.narrow(0, row, 1), w.t(), alone.narrow(0, row, 1));
      CHECK(at::equal(together, alone));
    }
}

struct AttentionCase {
  int64_t heads, kv_heads, head_dim, window;
  std::vector<int32_t> offsets;
};

// Attention of one document under autograd; qkv [T, (H + 2 KV) E].
at::Tensor reference_attention(const AttentionCase& c, const at::Tensor& qkv) {
  const int64_t t = qkv.size(0), group = c.heads / c.kv_heads;
  const at::Tensor x = qkv.view({t, c.heads + 2 * c.kv_heads, c.head_dim}).transpose(0, 1);
  const at::Tensor q = x.narrow(0, 0, c.heads), k = x.narrow(0, c.heads, c.kv_heads).repeat_interleave(group, 0);
  const at::Tensor v = x.narrow(0, c.heads + c.kv_heads, c.kv_heads).repeat_interleave(group, 0);
  at::Tensor mask = at::ones({t, t}, at::kBool).tril();
  if (c.window) mask = mask & at::ones({t, t}, at::kBool).triu(1 - c.window);
  const at::Tensor scores = at::matmul(q, k.transpose(1, 2)) / std::sqrt(static_cast<double>(c.head_dim));
  return at::matmul(scores.masked_fill(mask.logical_not(), -1e30).softmax(-1), v)
      .transpose(0, 1)
      .reshape({t, c.heads * c.head_dim});
}

TEST_CASE("attention over documents, forward and backward") {
  at::manual_seed(2);
  const std::vector<AttentionCase> cases = {{4, 2, 16, 0, {0, 1, 40, 43}}, {9, 3, 64, 0, {0, 300, 313}},
                                            {2, 2, 128, 0, {0, 130}},      {6, 1, 16, 33, {0, 7, 250, 290}},
                                            {8, 2, 64, 1, {0, 20}},        {4, 2, 20, 0, {0, 33, 50}}};
  for (const auto& kernels : kernel_variants())
    for (const AttentionCase& c : cases)
      for (const at::ScalarType type : kTypes) {
        CAPTURE(kernels->name());
        CAPTURE(c.head_dim);
        const int64_t n = c.offsets.back(), width = (c.heads + 2 * c.kv_heads) * c.head_dim,
                      out_width = c.heads * c.head_dim;
        const at::Tensor qkv = randn({n, width}, type), dout = randn({n, out_width + 5}, type).narrow(1, 0, out_width);
        const at::Tensor input = f32(qkv).clone().requires_grad_(true);
        std::vector<at::Tensor> parts;
        for (size_t d = 0; d + 1 < c.offsets.size(); ++d)
          parts.push_back(reference_attention(c, input.narrow(0, c.offsets[d], c.offsets[d + 1] - c.offsets[d])));
        const at::Tensor expected = at::cat(parts, 0);
        (expected * f32(dout)).sum().backward();

        const AttentionShape shape{c.heads, c.kv_heads, c.head_dim, c.window,
                                   1 / std::sqrt(static_cast<double>(c.head_dim))};
        const Documents docs{c.offsets, at::tensor(c.offsets, at::kInt), 300};
        const at::Tensor out = at::zeros({n, out_width + 3}, type).narrow(1, 0, out_width),
                         lse = at::zeros({c.heads, n});
        const at::Tensor dqkv = at::zeros({n, width}, type);
        kernels->attention(shape, docs, {qkv, out, lse});
        CHECK(relative_error(out, expected) < bound(type));
        kernels->attention_backward(shape, docs, {{qkv, out, lse}, dout, dqkv});
        CHECK(relative_error(dqkv, input.grad()) < 2 * bound(type));
      }
}

TEST_CASE("attention of new tokens equals attention of the whole document") {
  at::manual_seed(3);
  for (const auto& kernels : kernel_variants())
    for (const int64_t window : {0, 20})
      for (const int64_t fresh : {1, 2, 70, 100}) {
        const AttentionCase c{6, 2, 64, window, {0, 100}};
        const at::Tensor qkv = randn({100, 10 * 64}), expected = reference_attention(c, qkv);
        const at::Tensor keys = qkv.narrow(1, 6 * 64, 2 * 64).contiguous(),
                         values = qkv.narrow(1, 8 * 64, 2 * 64).contiguous();
        const at::Tensor out = at::zeros({fresh, 6 * 64});
        kernels->attention_cached({6, 2, 64, window, 0.125}, qkv.narrow(0, 100 - fresh, fresh).narrow(1, 0, 6 * 64),
                                  keys, values, out);
        CHECK(relative_error(out, expected.narrow(0, 100 - fresh, fresh)) < 1e-5);
      }
}

TEST_CASE("cross entropy: losses, right answers and gradient") {
  at::manual_seed(4);
  for (const auto& kernels : kernel_variants())
    for (const at::ScalarType type : kTypes) {
      const at::Tensor stored = randn({5, 333}, type) * 4, logits = f32(stored).clone().requires_grad_(true);
      const at::Tensor targets = at::randint(333, {5}, at::kInt);
      targets[2].copy_(f32(stored)[2].argmax());
      const at::Tensor loss = at::cross_entropy_loss(logits, targets.to(at::kLong), {}, at::Reduction::None);
      const at::Tensor scales = at::rand({5}) + 0.25;
      (loss * scales).sum().backward();
      const at::Tensor losses = at::zeros({5}), correct = at::zeros({5}, at::kInt), buffer = stored.clone();
      kernels->cross_entropy({buffer, targets, losses, correct, {}});
      CHECK(at::equal(buffer, stored));  // no gradient asked for, nothing overwritten
      kernels->cross_entropy({buffer, targets, losses, correct, scales});
      CHECK(relative_error(losses, loss) < 1e-5);
      CHECK(relative_error(buffer, logits.grad()) < bound(type));
      CHECK(at::equal(correct, f32(stored).argmax(1).eq(targets).to(at::kInt)));
    }
}

TEST_CASE("an update rule, norms and finite checks") {
  at::manual_seed(5);
  for (const auto& kernels : kernel_variants()) {
    at::Tensor p = randn({1001}), m = at::zeros({1001}), v = at::zeros({1001});
    at::Tensor ep = p.clone(), em = m.clone(), ev = v.clone();
    for (int64_t step = 1; step <= 4; ++step) {
      const at::Tensor g = randn({1001});
      const float c1 = 1 - std::pow(0.9f, static_cast<float>(step)), c2 = 1 - std::pow(0.99f, static_cast<float>(step));
      kernels->update({p, g, {m, v}, AdamWRule{1e-3f, 0.1f, 0.01f, 1e-2f / c1, 1 / std::sqrt(c2), 1e-8f}, 0.5});
      const at::Tensor scaled = g * 0.5;
      em = 0.9 * em + 0.1 * scaled;
      ev = 0.99 * ev + 0.01 * scaled * scaled;
      ep = ep * (1 - 1e-3) - 1e-2 * (em / c1) / ((ev / c2).sqrt() + 1e-8);
    }
    CHECK(relative_error(p, ep) < 1e-6);
    CHECK(kernels->squared_norm(p) == doctest::Approx(p.to(at::kDouble).pow(2).sum().item<double>()).epsilon(1e-12));
    CHECK(kernels->all_finite(p));
    p[1000].fill_(NAN);
    CHECK(!kernels->all_finite(p));
    p[1000].fill_(INFINITY);
    CHECK(!kernels->all_finite(p));
  }
}

TEST_CASE("bf16 rounds to nearest even and keeps what is not a number") {
  for (const auto& kernels : kernel_variants()) {
    const at::Tensor values =
        at::cat({randn({4000}) * 1e3, at::tensor({1.00390625f, 1.01171875f, -0.f, INFINITY, -INFINITY, NAN, 1e-40f})});
    const at::Tensor out = at::zeros({values.size(0)}, at::kBFloat16), back = at::zeros({values.size(0)});
    kernels->copy(values, out, 1);
    CHECK(at::allclose(f32(out), f32(values.to(at::kBFloat16)), 0, 0, true));
    kernels->copy(out, back, 2);
    CHECK(at::allclose(back, f32(out) * 2, 0, 0, true));
  }
}

TEST_CASE("dropout keeps the expected share, scales it, and depends on its key only") {
  for (const auto& kernels : kernel_variants()) {
    const at::Tensor x = at::ones({300, 200}), y = at::zeros({300, 200}), z = at::zeros({300, 200});
    kernels->dropout(x, y, {0.3, 17});
    CHECK(y.mean().item<double>() == doctest::Approx(1).epsilon(0.01));
    CHECK(y.ne(0).to(at::kFloat).mean().item<double>() == doctest::Approx(0.7).epsilon(0.01));
    CHECK(y.mean(0).std().item<double>() < 0.08);
    kernels->dropout_add(x, z, {0.3, 17});
    CHECK(at::equal(y, z));
    kernels->dropout(x, z, {0.3, 18});
    CHECK(!at::equal(y, z));
  }
}

TEST_CASE("embedding gradients add up equal ids") {
  for (const auto& kernels : kernel_variants()) {
    const at::Tensor ids = at::tensor({3, 1, 3, 0, 3}, at::kInt), dout = randn({5, 70}), table = at::ones({4, 70});
    kernels->embedding_backward(ids, dout, table);
    CHECK(relative_error(table, at::ones({4, 70}).index_add(0, ids.to(at::kLong), dout)) < 1e-6);
  }
}

}  // namespace
}  // namespace collie::test
