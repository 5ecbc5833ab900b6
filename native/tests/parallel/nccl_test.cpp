// NCCL where a GPU is at hand: a world of one goes through the library all the same. Several ranks need a GPU each.
#include <ATen/Context.h>

#include <cstdlib>

#include "core/base/error.h"
#include "parallel/ranks.h"

namespace collie {

#ifdef COLLIE_NCCL
TEST_CASE_FIXTURE(Ranks, "NCCL reduces, moves and splits on a GPU, CPU tensors go over the host" *
                             doctest::skip(!Ranks::among({1}) || !at::hasCUDA())) {
  const at::Device device(at::kCUDA, 0);
  const auto group = nccl_world(world, device);
  group->open_channels();
  for (const at::ScalarType type : {at::kFloat, at::kBFloat16, at::kInt}) {
    const at::Tensor values = at::arange(12, at::TensorOptions(type)).view({3, 4}).to(device), kept = values.clone();
    group->all_reduce(values);
    group->all_reduce(values, Reduce::max);
    group->reduce(values.t(), 0);
    group->broadcast(values, 0);
    CHECK(at::equal(values, kept));
    at::Tensor whole = at::zeros_like(values), part = at::zeros_like(values);
    group->all_gather(values, whole);
    group->reduce_scatter(whole.t(), part.view({4, 3}));
    CHECK(at::equal(whole, kept));
    CHECK(at::equal(part.view({4, 3}), kept.t()));
  }
  at::Tensor on_host = at::ones({3});
  group->all_reduce(on_host);
  group->barrier();
  CHECK(group->volume().calls_of(Collective::all_reduce) == 7);
  CHECK(group->split(0, 0, "test")->size() == 1);
}
#else
TEST_CASE_FIXTURE(Ranks, "without NCCL, GPUs are refused with what to do" * doctest::skip(!Ranks::among({1}))) {
  CHECK_THROWS_AS(nccl_world(world, at::Device(at::kCUDA, 0)), Error);
}
#endif

}  // namespace collie
