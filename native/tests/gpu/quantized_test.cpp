// What is kept in few bits: weights in NF4.
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

}  // namespace
}  // namespace collie::test
