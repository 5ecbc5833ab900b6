#include "engine/peft/principal_part.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/linalg_qr.h>
#include <ATen/ops/linalg_svd.h>
#include <ATen/ops/mm.h>

#include <algorithm>
#include <tuple>

#include "engine/peft/lora_init.h"

namespace collie {
namespace {

constexpr int64_t kExactSide = 1024;
constexpr int64_t kOversampling = 16;
constexpr int kPowerIterations = 8;  // each multiplies the gap between wanted and unwanted directions

at::Tensor orthonormal(const at::Tensor& columns) { return std::get<0>(at::linalg_qr(columns)); }

PrincipalPart leading(const at::Tensor& matrix, int64_t rank) {
  const auto [left, values, right] = at::linalg_svd(matrix, false);
  return {left.narrow(1, 0, rank), values.narrow(0, 0, rank), right.narrow(0, 0, rank)};
}

}  // namespace

PrincipalPart principal_part(const at::Tensor& matrix, int64_t rank, Random random) {
  const int64_t side = std::min(matrix.size(0), matrix.size(1));
  if (side <= kExactSide) return leading(matrix, rank);
  const at::Tensor start = at::empty({matrix.size(1), std::min(side, rank + kOversampling)}, matrix.options());
  lora::fill_normal(start, 1, random);
  at::Tensor range = orthonormal(at::mm(matrix, start));
  for (int i = 0; i < kPowerIterations; ++i)
    range = orthonormal(at::mm(matrix, orthonormal(at::mm(matrix.t(), range))));
  const PrincipalPart small = leading(at::mm(range.t(), matrix), rank);
  return {at::mm(range, small.left), small.values, small.right};
}

}  // namespace collie
