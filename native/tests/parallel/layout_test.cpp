// Every layout equals one rank: loss, gradients, norms, and weights after three steps; tp x pp x dp x ZeRO, full and LoRA, AdamW and
// AdaLomo. COLLIE_WHOLE_MATRIX=1 takes all of them; without it a part that has every axis with every other.
#include <algorithm>
#include <cstdlib>
#include <map>

#include "engine/parallel/gathered.h"
#include "parallel/layout_run.h"

namespace collie::test {
namespace {

constexpr double kExact = 1e-5;
constexpr double kCancelling = 0.03;  // of the whole norm: below it a gradient is the rounding of larger terms

bool whole_matrix() { return std::getenv("COLLIE_WHOLE_MATRIX") != nullptr; }

template <typename T>
std::map<std::string, T> by_name(const std::vector<T>& all) {
  std::map<std::string, T> named;
  for (const T& one : all) named.emplace(one.name, one);
  return named;
}

// Every trained tensor is somewhere, and where it is it is right.
void check_weights(LayoutRun& run, LayoutRun& oracle, const Parallel& grid) {
  const std::map<std::string, NamedTensor> expected = by_name(oracle.decoder().trained_tensors());
  std::vector<double> held(expected.size());
  for (const NamedTensor& part : run.decoder().trained_tensors()) {
    CAPTURE(part.name);
    const auto found = expected.find(part.name);
    REQUIRE(found != expected.end());
    held[static_cast<size_t>(std::distance(expected.begin(), found))] = 1;
    CHECK(distance(part.tensor, part_of(expected.at(part.name).tensor, part.slice)) <= kExact);
  }
  grid.world->all_reduce(held, Reduce::max);
  CHECK(std::ranges::all_of(held, [](double one) { return one == 1; }));
}

// Of what this rank updates.
void check_gradients(LayoutRun& run, LayoutRun& oracle, double norm) {
  std::map<std::string, at::Tensor> expected;
  for (const Parameter& p : oracle.decoder().trainable()) expected.emplace(p.name, p.grad);
  for (const Parameter& p : run.sync().owned()) {
    CAPTURE(p.name);
    const at::Tensor whole = part_of(expected.at(p.name), p.placement.slice);
    const double own = at::linalg_vector_norm(whole).item<double>();
    CHECK(at::linalg_vector_norm(p.grad - whole).item<double>() <= kExact * std::max(own, kCancelling * norm));
  }
}

void check_evaluation(LayoutRun& run, LayoutRun& oracle, const Parallel& grid) {
  const LossSums expected = oracle.evaluate(5), own = run.evaluate(5);
  std::array<double, 2> sums = {own.loss, static_cast<double>(own.correct)};
  grid.pp->all_reduce(sums);
  CHECK(sums[0] == doctest::Approx(expected.loss).epsilon(kExact));
  CHECK(static_cast<int64_t>(sums[1]) == expected.correct);
  const auto cache = run.decoder().make_cache(20), serial_cache = oracle.decoder().make_cache(20);
  std::vector<int32_t> next = {5, 99, 0, 40};
  for (int i = 0; i < 4; ++i) {
    const at::Tensor a = oracle.decoder().extend(next, *serial_cache, AdapterUse::on);
    CHECK(distance(run.decoder().extend(next, *cache, AdapterUse::on), a) <= kExact);
    next = {static_cast<int32_t>(at::argmax(a).item<int64_t>())};
  }
}

void check_layout(const Parallel& grid, const Recipe& recipe) {
  const ModelConfig config = layout_config(grid.spec, recipe.tables);
  const TemporaryStore rows(layout_rows(config));
  const int64_t micro_batches = recipe.fused() ? grid.spec.dp_size : 4 * grid.spec.dp_size;
  LayoutRun run(config, recipe, grid, std::min<int64_t>(micro_batches, 8), *rows);
  LayoutRun oracle(config, recipe, serial(), recipe.fused() ? 1 : std::min<int64_t>(micro_batches, 8), *rows);
  check_weights(run, oracle, grid);
  for (int64_t step = 0; step < 3; ++step) {
    CAPTURE(step);
    const StepResult expected = oracle.step(step), received = run.step(step);
    CHECK(received.loss == doctest::Approx(expected.loss).epsilon(kExact));
    CHECK(received.grad_norm == doctest::Approx(expected.grad_norm).epsilon(kExact));
    if (!recipe.fused()) check_gradients(run, oracle, expected.grad_norm);
    check_weights(run, oracle, grid);
  }
  check_evaluation(run, oracle, grid);
}

void check_all(const std::shared_ptr<Communicator>& world, const Recipe& recipe) {
  CAPTURE(recipe.method);
  CAPTURE(recipe.optimizer);
  for (const ParallelSpec& spec : layouts(world->size())) {
    const bool every_axis = spec.dp_size > 1 && spec.tp_size > 1 && spec.pp_size > 1;
    if (!whole_matrix() && world->size() == 8 && (!every_axis || spec.zero_stage == 1) && spec.zero_stage != 3) continue;
    const std::string layout = text_of(spec);
    CAPTURE(layout);
    check_layout(make_parallel(spec, world), recipe);
  }
}

}  // namespace

TEST_CASE_FIXTURE(Ranks, "layouts: full fine-tuning with AdamW equals one rank" * doctest::skip(!Ranks::among({2, 4, 8}))) {
  check_all(world, {"full", "adamw", Tables::tied});
}

TEST_CASE_FIXTURE(Ranks, "layouts: full fine-tuning with AdaLomo equals one rank" * doctest::skip(!Ranks::among({2, 4, 8}))) {
  check_all(world, {"full", "adalomo", Tables::tied});
}

TEST_CASE_FIXTURE(Ranks, "layouts: LoRA with AdamW equals one rank" * doctest::skip(!Ranks::among({2, 4, 8}))) {
  check_all(world, {"lora", "adamw", Tables::tied});
}

TEST_CASE_FIXTURE(Ranks, "layouts: untied tables equal one rank" *
                             doctest::skip(!Ranks::among({2, 4, 8}) || (!whole_matrix() && !Ranks::among({4})))) {
  check_all(world, {"full", "adamw", Tables::untied});
  check_all(world, {"full", "adalomo", Tables::untied});
}

TEST_CASE_FIXTURE(Ranks, "layouts: communication in order, as on GPUs, equals one rank" * doctest::skip(!Ranks::among({4}))) {
  check_all(world, {.overlap = Overlap::none});
}

TEST_CASE_FIXTURE(Ranks, "layouts: LoRA with AdaLomo equals one rank" * doctest::skip(!Ranks::among({2, 4, 8}) || !whole_matrix())) {
  check_all(world, {"lora", "adalomo", Tables::tied});
}

}  // namespace collie::test
