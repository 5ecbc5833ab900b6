// The groups of a grid: who is in them, and what their communication costs.
#include <algorithm>
#include <vector>

#include "engine/parallel/parallel.h"
#include "parallel/ranks.h"

namespace collie {

namespace {

// World ranks of a group, in its order.
std::vector<int64_t> members(Communicator& group, int64_t world_rank) {
  at::Tensor all = at::zeros({group.size()}, at::kInt);
  group.all_gather(at::full({1}, static_cast<int>(world_rank), at::kInt), all);
  std::vector<int64_t> ranks;
  for (int64_t i = 0; i < group.size(); ++i) ranks.push_back(all[i].item<int>());
  return ranks;
}

}  // namespace

TEST_CASE_FIXTURE(Ranks, "the groups of a 2 x 2 x 2 grid are its slices" * doctest::skip(!Ranks::among({8}))) {
  const Parallel grid = make_parallel({.dp_size = 2, .tp_size = 2, .pp_size = 2, .pipeline_layers = {}}, world);
  const auto [stage, dp_rank, tp_rank] = grid.place;
  CHECK(rank == stage * 4 + dp_rank * 2 + tp_rank);
  CHECK(members(*grid.tp, rank) == std::vector<int64_t>{stage * 4 + dp_rank * 2, stage * 4 + dp_rank * 2 + 1});
  CHECK(members(*grid.dp, rank) == std::vector<int64_t>{stage * 4 + tp_rank, stage * 4 + 2 + tp_rank});
  CHECK(members(*grid.pp, rank) == std::vector<int64_t>{dp_rank * 2 + tp_rank, 4 + dp_rank * 2 + tp_rank});
  CHECK(grid.tp->rank() == tp_rank);
  CHECK(grid.dp->rank() == dp_rank);
  CHECK(grid.pp->rank() == stage);
}

TEST_CASE_FIXTURE(Ranks,
                  "groups work at the same time without disturbing each other" * doctest::skip(!Ranks::among({4}))) {
  const Parallel grid = make_parallel({.dp_size = 2, .tp_size = 2, .pipeline_layers = {}}, world);
  for (int64_t i = 0; i < 50; ++i) {
    // The second pair runs ahead of the first: only the members of a group wait for each other.
    at::Tensor along_tp = at::full({1000}, static_cast<float>(rank)),
               along_dp = at::full({1000}, static_cast<float>(rank));
    grid.tp->all_reduce(along_tp);
    if (i % 10 == 0) grid.dp->all_reduce(along_dp);
    CHECK(along_tp[999].item<float>() == static_cast<float>(grid.place.dp_rank == 0 ? 1 : 5));
    if (i % 10 == 0) CHECK(along_dp[0].item<float>() == static_cast<float>(grid.place.tp_rank == 0 ? 2 : 4));
  }
}

TEST_CASE_FIXTURE(Ranks, "colors and keys: groups of any shape, in the order of the keys") {
  // Everyone but the last; the last alone. Keys turn the order around.
  const bool last = rank == size - 1 && size > 1;
  const auto group = world->split(last ? 1 : 0, -rank, "test");
  std::vector<int64_t> expected;
  for (int64_t r = size - (size > 1 ? 2 : 1); r >= 0; --r) expected.push_back(r);
  CHECK(members(*group, rank) == (last ? std::vector<int64_t>{size - 1} : expected));
}

TEST_CASE_FIXTURE(Ranks, "a grid of another size than the world is a fault") {
  CHECK_THROWS_AS(make_parallel({.dp_size = size + 1, .pipeline_layers = {}}, world), std::logic_error);
}

TEST_CASE_FIXTURE(Ranks,
                  "every group counts the bytes that its members give" * doctest::skip(!Ranks::among({2, 3, 4, 8}))) {
  const auto group = world->split(0, rank, "test");
  const at::Tensor whole = at::zeros({size * 4, 5}), part = at::zeros({4, 5});
  group->all_reduce(whole);
  group->all_reduce(whole.to(at::kBFloat16));
  group->reduce(part, 0);
  group->broadcast(part, 0);
  group->all_gather(part, whole);
  group->reduce_scatter(whole, part);
  group->barrier();
  auto receive = group->start_receive(part, (rank + 1) % size, 0);
  auto send = group->start_send(at::zeros({4, 5}), (rank + size - 1) % size, 0);
  receive->wait();
  send->wait();
  const CommVolume volume = group->volume();
  CHECK(volume.bytes_of(Collective::all_reduce) == size * 20 * (4 + 2));
  CHECK(volume.calls_of(Collective::all_reduce) == 2);
  CHECK(volume.bytes_of(Collective::reduce) == 80);
  CHECK(volume.bytes_of(Collective::broadcast) == 80);
  CHECK(volume.bytes_of(Collective::all_gather) == 80);
  CHECK(volume.bytes_of(Collective::reduce_scatter) == size * 80);
  CHECK(volume.bytes_of(Collective::send) == 80);
  CHECK(volume.bytes_of(Collective::receive) == 80);
  CHECK(volume.calls_of(Collective::barrier) == 1);
  CHECK(world->split(0, rank, "fresh")->volume().calls == CommVolume{}.calls);
}

TEST_CASE_FIXTURE(Ranks, "one rank alone needs no communication") {
  const Parallel alone = serial();
  CHECK(alone.world->size() == 1);
  const at::Tensor part = at::arange(4.0), whole = at::zeros({4});
  alone.dp->all_reduce(part);
  alone.dp->all_gather(part, whole);
  CHECK(at::equal(whole, at::arange(4.0)));
  alone.tp->reduce_scatter(whole * 2, part);
  CHECK(at::equal(part, at::arange(4.0) * 2));
  CHECK_THROWS_AS(alone.pp->start_send(part, 1, 0), std::logic_error);
}

}  // namespace collie
