// NCCL with a world of one: every call goes through the library all the same. Several ranks need a GPU each (tests/parallel).
#include <ATen/ATen.h>
#include <doctest/doctest.h>

#include "core/base/error.h"
#include "device.h"
#include "engine/parallel/world.h"

namespace collie::test {
namespace {

TEST_CASE("NCCL reduces, gathers and splits") {
  const at::Device device = device_under_test();
#ifdef COLLIE_NCCL
  const auto group = nccl_world(single_rank(), device);
  for (const at::ScalarType type : {at::kFloat, at::kBFloat16, at::kInt}) {
    const at::Tensor values = at::arange(12, at::TensorOptions(type)).view({3, 4}).to(device), kept = values.clone();
    group->all_reduce(values);
    group->all_reduce(values, Reduce::max);
    group->reduce(values.t(), 0);
    group->broadcast(values, 0);
    CHECK(at::equal(values, kept));
    const at::Tensor whole = at::zeros_like(values), part = at::zeros_like(values);
    group->all_gather(values, whole);
    group->reduce_scatter(whole.t(), part.view({4, 3}));
    CHECK(at::equal(whole, kept));
    CHECK(at::equal(part.view({4, 3}), kept.t()));
  }
  group->barrier();
  CHECK(group->split(0, 0, "test")->size() == 1);
#else
  CHECK_THROWS_AS(nccl_world(single_rank(), device), Error);  // says how to build with it
#endif
}

}  // namespace
}  // namespace collie::test
