#include "parallel/layout_check.h"

#include <algorithm>
#include <array>
#include <map>

#include "engine/parallel/gathered.h"

namespace collie::test {
namespace {

constexpr double kCancelling = 0.03;  // of the whole norm: below it a gradient is the rounding of larger terms

template <typename T>
std::map<std::string, T> by_name(const std::vector<T>& all) {
  std::map<std::string, T> named;
  for (const T& one : all) named.emplace(one.name, one);
  return named;
}

// Every trained tensor is somewhere, and where it is it is right.
void check_weights(LayoutRun& run, LayoutRun& oracle, const Parallel& grid, double bound) {
  const std::map<std::string, NamedTensor> expected = by_name(oracle.decoder().trained_tensors());
  std::vector<double> held(expected.size());
  for (const NamedTensor& part : run.decoder().trained_tensors()) {
    CAPTURE(part.name);
    const auto found = expected.find(part.name);
    REQUIRE(found != expected.end());
    held[static_cast<size_t>(std::distance(expected.begin(), found))] = 1;
    const at::Tensor wanted = part_of(expected.at(part.name).tensor, part.slice);
    // Started at zero and moved by rounding only: a bias of keys that do not rotate.
    constexpr double kRounding = 1e-6;
    if (wanted.abs().max().item<double>() < kRounding)
      CHECK(part.tensor.abs().max().item<double>() < kRounding);
    else
      CHECK(distance(part.tensor, wanted) <= bound);
  }
  grid.world->all_reduce(held, Reduce::max);
  CHECK(std::ranges::all_of(held, [](double one) { return one == 1; }));
}

// Of what this rank updates.
void check_gradients(LayoutRun& run, LayoutRun& oracle, double norm, double bound) {
  std::map<std::string, at::Tensor> expected;
  for (const Parameter& p : oracle.decoder().trainable()) expected.emplace(p.name, p.grad);
  for (const Parameter& p : run.sync().owned()) {
    CAPTURE(p.name);
    const at::Tensor whole = part_of(expected.at(p.name), p.placement.slice);
    const double own = at::linalg_vector_norm(whole).item<double>();
    CHECK(at::linalg_vector_norm(p.grad - whole).item<double>() <= bound * std::max(own, kCancelling * norm));
  }
}

void check_evaluation(LayoutRun& run, LayoutRun& oracle, const Parallel& grid, double bound) {
  const LossSums expected = oracle.evaluate(5), own = run.evaluate(5);
  std::array<double, 2> sums = {own.loss, static_cast<double>(own.correct)};
  grid.pp->all_reduce(sums);
  CHECK(sums[0] == doctest::Approx(expected.loss).epsilon(bound));
  CHECK(static_cast<int64_t>(sums[1]) == expected.correct);
  const auto cache = run.decoder().make_cache(20), serial_cache = oracle.decoder().make_cache(20);
  std::vector<int32_t> next = {5, 89, 0, 40};
  for (int i = 0; i < 4; ++i) {
    const at::Tensor a = oracle.decoder().extend(next, *serial_cache, AdapterUse::on);
    CHECK(distance(run.decoder().extend(next, *cache, AdapterUse::on), a) <= bound);
    next = {static_cast<int32_t>(at::argmax(a).item<int64_t>())};
  }
}

}  // namespace

void check_layout(const Parallel& grid, const Recipe& recipe, const ModelConfig& config, double bound) {
  const TemporaryStore rows(layout_rows(config));
  const int64_t micro_batches = recipe.fused() ? grid.spec.dp_size : 4 * grid.spec.dp_size;
  LayoutRun run(config, recipe, grid, std::min<int64_t>(micro_batches, 8), *rows);
  LayoutRun oracle(config, recipe, serial(), recipe.fused() ? 1 : std::min<int64_t>(micro_batches, 8), *rows);
  check_weights(run, oracle, grid, bound);
  for (int64_t step = 0; step < 3; ++step) {
    CAPTURE(step);
    const StepResult expected = oracle.step(step), received = run.step(step);
    CHECK(received.loss == doctest::Approx(expected.loss).epsilon(bound));
    CHECK(received.grad_norm == doctest::Approx(expected.grad_norm).epsilon(bound));
    if (!recipe.fused()) check_gradients(run, oracle, expected.grad_norm, bound);
    check_weights(run, oracle, grid, bound);
  }
  check_evaluation(run, oracle, grid, bound);
}

}  // namespace collie::test
