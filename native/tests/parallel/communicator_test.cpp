// The collectives, on as many ranks as there are, against what they are defined to give.
#include <algorithm>
#include <array>
#include <vector>

#include "core/grid/parallel.h"
#include "parallel/ranks.h"

namespace collie {

namespace {

// What rank `r` brings: whole numbers, exact in every format, different at every place.
at::Tensor brought(int64_t r, at::IntArrayRef sizes, at::ScalarType type) {
  int64_t n = 1;
  for (const int64_t size : sizes) n *= size;
  return at::remainder(at::arange(n, at::kFloat) * 7 + r * 3, 11).view(sizes).to(type);
}

at::Tensor sum_of(int64_t ranks, at::IntArrayRef sizes, at::ScalarType type) {
  at::Tensor sum = brought(0, sizes, type);
  for (int64_t r = 1; r < ranks; ++r) sum += brought(r, sizes, type);
  return sum;
}

constexpr std::array kTypes = {at::kFloat, at::kBFloat16, at::kInt};
// Nothing, one, less and more than the ranks, not divisible by them, and long enough for the segmented algorithms.
const std::vector<std::vector<int64_t>> kShapes = {{0}, {1}, {3}, {7, 5}, {1001}, {311, 433}};

// A view of this shape whose elements do not lie next to each other.
at::Tensor strided(const at::Tensor& values) {
  at::Tensor holder = at::full({2 * values.numel() + 1}, 99, values.options());
  at::Tensor view = holder.slice(0, 0, 2 * values.numel(), 2).view(values.sizes());
  view.copy_(values);
  return view;
}

}  // namespace

TEST_CASE_FIXTURE(Ranks, "all_reduce adds and takes the largest, in every format and shape") {
  for (const at::ScalarType type : kTypes)
    for (const auto& shape : kShapes) {
      CAPTURE(c10::toString(type));
      at::Tensor sum = brought(rank, shape, type), most = brought(rank, shape, type);
      world->all_reduce(sum);
      world->all_reduce(most, Reduce::max);
      CHECK(at::equal(sum, sum_of(size, shape, type)));
      at::Tensor expected = brought(0, shape, type);
      for (int64_t r = 1; r < size; ++r) expected = at::maximum(expected, brought(r, shape, type));
      CHECK(at::equal(most, expected));
    }
}

TEST_CASE_FIXTURE(Ranks, "all_reduce gives the same bits on all ranks, bf16 rounded once an addition") {
  for (const at::ScalarType type : {at::kFloat, at::kBFloat16}) {
    at::Generator generator = at::make_generator<at::CPUGeneratorImpl>(100 + rank);
    const at::Tensor own = at::randn({20011}, generator).to(type);
    at::Tensor sum = own.clone(), exact = own.to(at::kDouble).to(at::kFloat),
               all = at::empty({size, 20011}, own.options());
    world->all_reduce(sum);
    world->all_reduce(exact);
    world->all_gather(sum, all);
    for (int64_t r = 0; r < size; ++r) CHECK(at::equal(all[r], all[0]));
    // Half a unit in the last place of each of the size - 1 additions.
    const double unit = type == at::kFloat ? 1.2e-7 : 1.0 / 256;
    const double bound = unit * static_cast<double>(size) * static_cast<double>(size);
    CHECK((sum.to(at::kFloat) - exact).abs().max().item<double>() <= bound * 4);
  }
}

TEST_CASE_FIXTURE(Ranks, "a bf16 sum of two is the fp32 sum rounded to nearest, ties to even" *
                             doctest::skip(!Ranks::among({2}))) {
  at::Generator generator = at::make_generator<at::CPUGeneratorImpl>(7);
  const at::Tensor a = at::randn({4096}, generator).to(at::kBFloat16),
                   b = at::randn({4096}, generator).to(at::kBFloat16);
  at::Tensor sum = (rank == 0 ? a : b).clone();
  world->all_reduce(sum);
  CHECK(at::equal(sum, (a.to(at::kFloat) + b.to(at::kFloat)).to(at::kBFloat16)));
  at::Tensor nan = at::full({3}, rank == 0 ? NAN : 1.0, at::kBFloat16);
  world->all_reduce(nan);
  CHECK(at::isnan(nan).all().item<bool>());
}

TEST_CASE_FIXTURE(Ranks, "reduce brings the sum to its root") {
  for (const at::ScalarType type : kTypes)
    for (int64_t root = 0; root < size; ++root) {
      at::Tensor tensor = brought(rank, {613}, type);
      world->reduce(tensor, root);
      if (rank == root) CHECK(at::equal(tensor, sum_of(size, {613}, type)));
    }
}

TEST_CASE_FIXTURE(Ranks, "broadcast moves any format") {
  for (const at::ScalarType type : {at::kFloat, at::kBFloat16, at::kInt, at::kByte, at::kLong})
    for (int64_t root = 0; root < size; ++root) {
      at::Tensor tensor = brought(rank, {5, 41}, type);
      world->broadcast(tensor, root);
      CHECK(at::equal(tensor, brought(root, {5, 41}, type)));
    }
}

TEST_CASE_FIXTURE(Ranks, "all_gather puts the parts in the order of the ranks, in place too") {
  for (const at::ScalarType type : {at::kFloat, at::kBFloat16, at::kInt, at::kByte}) {
    at::Tensor whole = at::zeros({size * 3, 17}, at::TensorOptions(type)), in_place = whole.clone();
    world->all_gather(brought(rank, {3, 17}, type), whole);
    at::Tensor part = in_place.narrow(0, rank * 3, 3);
    part.copy_(brought(rank, {3, 17}, type));
    world->all_gather(part, in_place);
    for (int64_t r = 0; r < size; ++r) CHECK(at::equal(whole.narrow(0, r * 3, 3), brought(r, {3, 17}, type)));
    CHECK(at::equal(in_place, whole));
  }
}

TEST_CASE_FIXTURE(Ranks, "reduce_scatter gives each rank its part of the sum, in place too") {
  for (const at::ScalarType type : kTypes) {
    const at::Tensor whole = brought(rank, {size * 2, 19}, type),
                     expected = sum_of(size, {size * 2, 19}, type).narrow(0, rank * 2, 2);
    at::Tensor part = at::zeros({2, 19}, whole.options());
    world->reduce_scatter(whole, part);
    CHECK(at::equal(part, expected));
    CHECK(at::equal(whole, brought(rank, {size * 2, 19}, type)));
    at::Tensor same = whole.clone(), own = same.narrow(0, rank * 2, 2);
    world->reduce_scatter(same, own);
    CHECK(at::equal(own, expected));
  }
}

TEST_CASE_FIXTURE(Ranks, "tensors that are not contiguous arrive, and nothing beside them changes") {
  const at::Tensor own = brought(rank, {6, 10}, at::kFloat), sum = sum_of(size, {6, 10}, at::kFloat);
  at::Tensor view = strided(own);
  world->all_reduce(view);
  CHECK(at::equal(view, sum));
  CHECK(view.storage().nbytes() / 4 == 121);
  CHECK(view.as_strided({60}, {2}, 1).eq(99).all().item<bool>());

  view = strided(own);
  world->reduce(view, size - 1);
  if (rank == size - 1) CHECK(at::equal(view, sum));
  view = strided(own);
  world->broadcast(view, size - 1);
  CHECK(at::equal(view, brought(size - 1, {6, 10}, at::kFloat)));
  at::Tensor whole = strided(at::zeros({size * 6, 10}));
  world->all_gather(strided(own), whole);
  for (int64_t r = 0; r < size; ++r) CHECK(at::equal(whole.narrow(0, r * 6, 6), brought(r, {6, 10}, at::kFloat)));
  at::Tensor part = strided(at::zeros({6, 10}));
  world->reduce_scatter(strided(brought(rank, {size * 6, 10}, at::kFloat)), part);
  CHECK(at::equal(part, sum_of(size, {size * 6, 10}, at::kFloat).narrow(0, rank * 6, 6)));
}

TEST_CASE_FIXTURE(Ranks, "messages around a ring: contiguous, strided, two of different tags under way" *
                             doctest::skip(!Ranks::among({2, 3, 4, 8}))) {
  const int64_t next = (rank + 1) % size, previous = (rank + size - 1) % size;
  // Above and below the size up to which a message leaves at once.
  for (const int64_t n : {5, 500000}) {
    at::Tensor first = at::zeros({n, 2}), second = strided(at::zeros({n, 2}));
    auto receive_second = world->start_receive(second, previous, 2);
    auto receive_first = world->start_receive(first, previous, 1);
    const at::Tensor one = brought(rank, {n, 2}, at::kFloat), two = strided(brought(rank + 100, {n, 2}, at::kFloat));
    auto send_first = world->start_send(one, next, 1), send_second = world->start_send(two, next, 2);
    receive_first->wait();
    receive_second->wait();
    send_first->wait();
    send_second->wait();
    CHECK(at::equal(first, brought(previous, {n, 2}, at::kFloat)));
    CHECK(at::equal(second, brought(previous + 100, {n, 2}, at::kFloat)));
  }
}

TEST_CASE_FIXTURE(Ranks, "host values: added, the largest, from one to all") {
  std::array<double, 2> values = {static_cast<double>(rank) + 0.25, -static_cast<double>(rank)}, most = values,
                        from_last = values;
  world->all_reduce(values);
  world->all_reduce(most, Reduce::max);
  world->broadcast(from_last, size - 1);
  const auto n = static_cast<double>(size);
  CHECK(values == std::array{n * (n - 1) / 2 + n / 4, -n * (n - 1) / 2});
  CHECK(most == std::array{n - 0.75, 0.0});
  CHECK(from_last == std::array{n - 0.75, 1 - n});
}

TEST_CASE_FIXTURE(Ranks, "what cannot be is refused before anything is sent") {
  CHECK_THROWS_AS(world->all_reduce(at::zeros({2}, at::kDouble)), std::logic_error);
  CHECK_THROWS_AS(world->all_gather(at::zeros({2}), at::zeros({2 * size + 1})), std::logic_error);
  CHECK_THROWS_AS(world->reduce_scatter(at::zeros({2 * size + 1}), at::zeros({2})), std::logic_error);
  if (size > 1) {
    at::Tensor whole = at::zeros({size * 2});
    CHECK_THROWS_AS(world->all_gather(whole.narrow(0, (rank + 1) % size * 2, 2), whole), std::logic_error);
  }
}

TEST_CASE_FIXTURE(Ranks, "a rank knows its place on its host") {
  const HostPlace place = host_place(*world);
  CHECK(!place.host.empty());
  std::array<double, 1> on_hosts = {1.0 / static_cast<double>(place.size)};
  world->all_reduce(on_hosts);
  CHECK(on_hosts[0] == doctest::Approx(std::round(on_hosts[0])));
  CHECK(place.rank < place.size);
}

}  // namespace collie
