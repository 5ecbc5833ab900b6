// What is kept in few bits: weights in NF4, moments in bytes.
#include <ATen/ATen.h>
#include <doctest/doctest.h>

#include "core/formats/nf4.h"
#include "engine/quantization/nf4.h"
#include "pair.h"

namespace collie::test {
namespace {

Nf4Matrix on_device(Nf4Matrix w) {
  for (at::Tensor* t : {&w.codes, &w.magnitudes, &w.scales}) *t = t->to(device_under_test());
  return w;
}

// Rows that are whole packs of 32 and such that are not, without a gap and with one.
TEST_CASE("small: NF4 values are the CPU's") {
  const auto cpu = make_cpu_kernels();
  const auto device = device_kernels();
  at::manual_seed(8);
  for (const at::ScalarType type : {at::kFloat, at::kBFloat16})
    for (const auto& [rows, cols, gap] :
         {std::tuple<int64_t, int64_t, int64_t>{70, 256, 0}, {300, 96, 64}, {5, 64, 3}, {33, 40, 0}, {7, 31, 1}}) {
      CAPTURE(cols);
      const Nf4Matrix w = quantize_nf4(at::randn({rows, cols}), at::kCPU);
      const at::Tensor wanted = at::full({rows, cols + gap}, 7.f, at::TensorOptions().dtype(type)),
                       found = wanted.to(device_under_test()).clone();
      cpu->dequantize_nf4(w, wanted.narrow(1, 0, cols));
      device->dequantize_nf4(on_device(w), found.narrow(1, 0, cols));
      CHECK((on_host(found) - on_host(wanted)).abs().max().item<float>() <= (type == at::kFloat ? 1e-6f : 1e-2f));
      CHECK(on_host(found).narrow(1, cols, gap).eq(7).all().item<bool>());
    }
}

TEST_CASE("small: NF4 values of a part, whose blocks are not neighbours in the whole") {
  const auto cpu = make_cpu_kernels();
  const auto device = device_kernels();
  at::manual_seed(9);
  const Slice columns{1, {128, 192}, 512};
  const Nf4Matrix part = quantize_nf4_part(at::randn({70, 512}), columns, at::kFloat, at::kCPU);
  const at::Tensor wanted = at::empty({70, 192}),
                   found = at::empty({70, 192}, at::TensorOptions().device(device_under_test()));
  cpu->dequantize_nf4(part, wanted);
  device->dequantize_nf4(on_device(part), found);
  CHECK((on_host(found) - wanted).abs().max().item<float>() <= 1e-6f);
}

struct Quantized {
  at::Tensor weight, grad;
  ByteMoment m, v;
};

// A map of 256 values over [low, 1], and no moments yet.
ByteMoment moment_of(int64_t n, float low, at::Device device) {
  const at::Tensor map = at::linspace(low, 1, 256, at::kFloat);
  const at::Tensor borders = map.narrow(0, 0, 255).add(map.narrow(0, 1, 255)).div(2);
  const int64_t zero = low < 0 ? 128 : 0;
  return {at::full({n}, zero, at::TensorOptions().dtype(at::kByte).device(device)),
          at::zeros({(n + kByteMomentBlock - 1) / kByteMomentBlock}, at::TensorOptions().device(device)),
          map.to(device), borders.to(device)};
}

// Parts of a block at the end, gradients that begin on no pack, and a block of nothing but zeros.
TEST_CASE("small: AdamW on moments in bytes is the CPU's") {
  const auto cpu = make_cpu_kernels();
  const auto device = device_kernels();
  at::manual_seed(10);
  const at::Tensor workspace = at::empty({4 * 2 * kByteMomentBlock});
  for (const at::ScalarType type : {at::kFloat, at::kBFloat16})
    for (const int64_t n : {5000, 4096, 4353})
      for (const int64_t shift : {0, 1}) {
        CAPTURE(n);
        CAPTURE(shift);
        const auto side = [&](at::Device d) { return Quantized{{}, {}, moment_of(n, -1, d), moment_of(n, 0, d)}; };
        Quantized a = side(at::kCPU), b = side(device_under_test());
        a.weight = at::randn({n}).to(type);
        b.weight = a.weight.to(device_under_test(), type, false, /*copy=*/true);
        for (int64_t step = 1; step <= 3; ++step) {
          a.grad = at::randn({n + shift}).narrow(0, shift, n);
          a.grad.narrow(0, 512, 256).zero_();
          b.grad = at::empty({n + shift}, b.m.scales.options()).narrow(0, shift, n).copy_(a.grad);
          for (const auto& [side, kernels] : {std::pair{&a, cpu.get()}, std::pair{&b, device.get()}})
            kernels->update(ByteAdamW{.weight = side->weight,
                                      .grad = side->grad,
                                      .m = side->m,
                                      .v = side->v,
                                      .beta1 = 0.9,
                                      .beta2 = 0.99,
                                      .eps = 1e-8,
                                      .decay = 1e-3,
                                      .rate = 1e-2,
                                      .root = 0.5,
                                      .grad_scale = 0.7,
                                      .rounding_key = 99,
                                      .workspace = workspace});
          CHECK(relative_error(on_host(b.m.scales), a.m.scales) < 1e-6);
          CHECK(relative_error(on_host(b.v.scales), a.v.scales) < 1e-6);
          // Values beside a border may fall to its other side.
          CHECK(on_host(b.m.codes).ne(a.m.codes.to(at::kFloat)).sum().item<int64_t>() <= n / 500);
          CHECK(on_host(b.v.codes).ne(a.v.codes.to(at::kFloat)).sum().item<int64_t>() <= n / 500);
          CHECK(a.m.codes.narrow(0, 512, 256).eq(128).all().item<bool>() ==
                on_host(b.m.codes).narrow(0, 512, 256).eq(128).all().item<bool>());
          b.m.codes.copy_(a.m.codes);
          b.v.codes.copy_(a.v.codes);
        }
        CHECK(relative_error(on_host(b.weight), on_host(a.weight)) < (type == at::kFloat ? 1e-4 : 1e-2));
      }
}

}  // namespace
}  // namespace collie::test
