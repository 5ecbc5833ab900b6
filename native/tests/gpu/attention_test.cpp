// Attention against fp64 at shapes of real models, with the log-sum-exps as the workspace has them.
#include <ATen/ATen.h>
#include <doctest/doctest.h>

#include <array>
#include <cmath>

#include "engine/model/workspace.h"
#include "pair.h"

namespace collie::test {
namespace {

struct Shape {
  int64_t heads, kv_heads, head_dim, window;
};

// Under autograd, document by document and head by head, so that scores of one head are there at a time. qkv fp64 [N, (H + 2 KV) E].
at::Tensor reference(const Shape& s, const std::vector<int32_t>& offsets, const at::Tensor& qkv) {
  std::vector<at::Tensor> documents;
  for (size_t d = 0; d + 1 < offsets.size(); ++d) {
    const int64_t t = offsets[d + 1] - offsets[d];
    const at::Tensor x = qkv.narrow(0, offsets[d], t).view({t, s.heads + 2 * s.kv_heads, s.head_dim});
    at::Tensor hidden = at::ones({t, t}, at::kBool).tril().logical_not();
    if (s.window) hidden = hidden | at::ones({t, t}, at::kBool).triu(1 - s.window).logical_not();
    std::vector<at::Tensor> heads;
    for (int64_t h = 0; h < s.heads; ++h) {
      const int64_t kv = h / (s.heads / s.kv_heads);
      const at::Tensor q = x.select(1, h), k = x.select(1, s.heads + kv), v = x.select(1, s.heads + s.kv_heads + kv);
      const at::Tensor scores = at::matmul(q, k.t()) / std::sqrt(static_cast<double>(s.head_dim));
      heads.push_back(at::matmul(scores.masked_fill(hidden, -INFINITY).softmax(-1), v));
    }
    documents.push_back(at::cat(heads, 1));
  }
  return at::cat(documents, 0);
}

void check_attention(const Shape& s, const std::vector<int32_t>& offsets, at::ScalarType type) {
  CAPTURE(s.heads);
  CAPTURE(s.head_dim);
  CAPTURE(type);
  const int64_t n = offsets.back(), width = (s.heads + 2 * s.kv_heads) * s.head_dim, out_width = s.heads * s.head_dim;
  const at::Tensor qkv = at::randn({n, width}).to(type), dout = at::randn({n, out_width}).to(type);
  const at::Tensor input = qkv.to(at::kDouble).requires_grad_(true), expected = reference(s, offsets, input);
  (expected * dout.to(at::kDouble)).sum().backward();

  const auto kernels = device_kernels();
  const at::Device device = device_under_test();
  const at::Tensor there = qkv.to(device),
                   out = at::empty({n, out_width + 48}, there.options()).narrow(1, 0, out_width);
  const int64_t capacity = n + n / 3;
  const at::Tensor lse = rows_of(at::full({s.heads, capacity}, NAN, there.options().dtype(at::kFloat)), s.heads, n);
  const at::Tensor dqkv = at::empty_like(there), borders = at::tensor(offsets, at::kInt).to(device);
  int64_t longest = 0;
  for (size_t d = 0; d + 1 < offsets.size(); ++d) longest = std::max<int64_t>(longest, offsets[d + 1] - offsets[d]);
  const AttentionShape shape{s.heads, s.kv_heads, s.head_dim, s.window, 1 / std::sqrt(static_cast<double>(s.head_dim))};
  kernels->attention(shape, {offsets, borders, longest}, {there, out, lse});
  kernels->attention_backward(shape, {offsets, borders, longest}, {{there, out, lse}, dout.to(device), dqkv});
  const double bound = type == at::kFloat ? 1e-5 : 1e-2;
  CHECK(relative_error(on_host(out), expected) < bound);
  const auto part = [&](const at::Tensor& t, int64_t first, int64_t heads) {
    return t.narrow(1, first * s.head_dim, heads * s.head_dim);
  };
  for (const auto& [first, heads] : std::vector<std::pair<int64_t, int64_t>>{
           {0, s.heads}, {s.heads, s.kv_heads}, {s.heads + s.kv_heads, s.kv_heads}})
    CHECK(relative_error(on_host(part(dqkv, first, heads)), part(input.grad(), first, heads)) < 2 * bound);
}

TEST_CASE("attention of real shapes") {
  at::manual_seed(2);
  const std::vector<int32_t> offsets = {0, 300, 301, 470, 811};
  for (const Shape& s :
       std::vector<Shape>{{32, 8, 128, 0}, {14, 2, 64, 0}, {9, 3, 64, 150}, {4, 4, 96, 0}, {8, 1, 256, 0}})
    check_attention(s, offsets, at::kBFloat16);
}

// Cases called small are those that compute-sanitizer runs (native/gpu/check.sh).
TEST_CASE("small attention: fused") {
  at::manual_seed(4);
  for (const Shape& s : std::vector<Shape>{{4, 2, 64, 0}, {4, 2, 64, 20}, {4, 2, 128, 0}})
    check_attention(s, {0, 40, 41, 75}, at::kBFloat16);
}

TEST_CASE("small attention without tensor cores: fp32, and head dimensions that the fused kernels do not take") {
  at::manual_seed(3);
  const std::vector<int32_t> offsets = {0, 60, 61, 100};
  for (const Shape& s : std::vector<Shape>{{6, 2, 64, 0}, {4, 4, 96, 30}, {4, 2, 20, 0}}) {
    check_attention(s, offsets, at::kFloat);
    if (s.head_dim % 8 != 0) check_attention(s, offsets, at::kBFloat16);
  }
}

}  // namespace
}  // namespace collie::test
