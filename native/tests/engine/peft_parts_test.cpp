// Parts of PEFT methods on their own: column kernels, principal parts of large matrices, AdaLoRA's schedule.
#include <ATen/ATen.h>
#include <doctest/doctest.h>

#include "engine/kernels/kernels.h"
#include "engine/peft/lora_init.h"
#include "engine/peft/principal_part.h"
#include "engine/peft/rank_allocator.h"
#include "model_reference.h"
#include "peft_support.h"

namespace collie::test {
namespace {

at::Tensor normal(int64_t rows, int64_t cols, uint64_t seed) {
  Random random(seed);
  const at::Tensor t = at::empty({rows, cols});
  lora::fill_normal(t, 1, random);
  return t;
}

TEST_CASE("columns are scaled, shifted and summed, in both formats and in strided buffers") {
  const auto kernels = make_cpu_kernels();
  for (const at::ScalarType type : {at::kFloat, at::kBFloat16})
    for (const int64_t cols : {1, 63, 150}) {
      const at::Tensor wide = normal(300, cols + 7, 1).to(type), other = normal(300, cols, 2).to(type);
      const at::Tensor x = wide.narrow(1, 3, cols), factors = normal(1, cols, 3)[0].contiguous(),
                       shifts = normal(1, cols, 4)[0].contiguous();
      const at::Tensor y = at::zeros({300, cols}, type), fx = x.to(at::kFloat), fo = other.to(at::kFloat);
      kernels->affine_columns({x, factors, shifts, y});
      CHECK(relative_error(y, (fx * factors + shifts).to(type)) < 1e-3);
      kernels->affine_columns({x, factors, {}, y});
      CHECK(y.equal((fx * factors).to(type)));
      kernels->affine_columns({x, {}, shifts, y});
      CHECK(y.equal((fx + shifts).to(type)));
      kernels->affine_columns({x, {}, {}, y});
      CHECK(y.equal(x));
      at::Tensor sums = at::ones({cols});
      kernels->column_sums({x, other, factors, sums});
      CHECK(relative_error(sums, 1 + factors * (fx * fo).to(at::kDouble).sum(0)) < 1e-5);
      sums = at::ones({cols});
      kernels->column_sums({x, {}, {}, sums});
      CHECK(relative_error(sums, 1 + fx.to(at::kDouble).sum(0)) < 1e-5);
    }
}

TEST_CASE("principal parts of matrices too large for an exact decomposition") {
  constexpr int64_t kRows = 1100, kCols = 1300, kHeld = 60, kRank = 8;
  const at::Tensor left = std::get<0>(at::linalg_qr(normal(kRows, kHeld, 1))),
                   right = std::get<0>(at::linalg_qr(normal(kCols, kHeld, 2)));
  const at::Tensor values = at::pow(0.9, at::arange(kHeld));  // 0.9^8 = 0.43: no gap behind the wanted ones
  const at::Tensor matrix = at::mm(left * values, right.t());
  const PrincipalPart found = principal_part(matrix, kRank, Random(5));
  CHECK(relative_error(found.values, values.narrow(0, 0, kRank)) < 1e-4);
  const at::Tensor expected =
      at::mm(left.narrow(1, 0, kRank) * values.narrow(0, 0, kRank), right.narrow(1, 0, kRank).t());
  CHECK(relative_error(at::mm(found.left * found.values, found.right), expected) < 0.01);
  const PrincipalPart again = principal_part(matrix, kRank, Random(5));
  CHECK(again.left.equal(found.left));
  CHECK(again.right.equal(found.right));
}

TEST_CASE("AdaLoRA's ranks shrink on a cubic schedule, whatever the number of steps") {
  MethodSpec method;
  for (const MethodCase& c : linear_methods())
    if (std::string(c.name) == "adalora")
      method = method_of(c.fields);  // ranks 4 to 2, from 20 % to 70 %, every 2 steps
  const RankSchedule s = RankSchedule::make(method, 10, 100);
  CHECK(s.warmup == 20);
  CHECK(s.last_allocation() == 70);
  CHECK(s.budget(20) == 40);
  CHECK(s.budget(45) == 22);  // 20 + 20 / 8, rounded down
  CHECK(s.budget(70) == 20);
  CHECK(s.budget(71) == 20);
  CHECK_FALSE(s.allocates(20));
  CHECK(s.allocates(22));
  CHECK_FALSE(s.allocates(23));
  CHECK(s.allocates(70));
  CHECK_FALSE(s.allocates(72));
  method.fields["start_ratio"] = 0.5;
  method.fields["end_ratio"] = 0.45;
  for (int64_t total = 1; total < 12; ++total) {
    CAPTURE(total);
    const RankSchedule tiny = RankSchedule::make(method, 3, total);
    CHECK(tiny.warmup < tiny.last_allocation());
    CHECK(tiny.allocates(tiny.last_allocation()));
    CHECK(tiny.budget(tiny.last_allocation()) == 6);
  }
}

}  // namespace
}  // namespace collie::test
