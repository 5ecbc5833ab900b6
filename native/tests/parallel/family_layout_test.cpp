// Every model family under tensor and pipeline parallelism equals one rank: the sizes of tests/fixtures/families, weights of our own.
#include <algorithm>
#include <filesystem>

#include "../fixtures.h"
#include "parallel/layout_check.h"

namespace collie::test {
namespace {

namespace fs = std::filesystem;

// Sums in another order; with norms around norms twice what Llama's layouts keep. SGD, because the first steps of AdamW make as much of a
// gradient that is all rounding as of any other.
constexpr double kBound = 3e-5;

std::vector<fs::path> family_folders() {
  std::vector<fs::path> all;
  for (const auto& entry : fs::directory_iterator(fixtures() / "families")) all.push_back(entry.path());
  std::ranges::sort(all);
  return all;
}

// Norms over all heads at once cannot be cut (parallel_support.h refuses them).
bool can_share(const ModelConfig& config, const ParallelSpec& spec) {
  return spec.tp_size == 1 || config.traits.qk_norm != QkNorm::whole;
}

void check_families(const std::shared_ptr<Communicator>& world, const std::vector<ParallelSpec>& layouts) {
  for (const fs::path& folder : family_folders())
    for (const ParallelSpec& spec : layouts)
      for (const char* method : {"full", "lora"}) {
        const ModelConfig config = ModelConfig::load(folder);
        if (!can_share(config, spec)) continue;
        const std::string family = folder.filename().string(), layout = text_of(spec);
        CAPTURE(family);
        CAPTURE(layout);
        CAPTURE(method);
        check_layout(make_parallel(spec, world), {.method = method, .optimizer = "sgd"}, config, kBound);
      }
}

TEST_CASE_FIXTURE(Ranks,
                  "families: two ranks, tensor or pipeline parallel, equal one" * doctest::skip(!Ranks::among({2}))) {
  check_families(world, {{.tp_size = 2, .pipeline_layers = {}},
                         {.tp_size = 2, .sequence_parallel = true, .pipeline_layers = {}},
                         {.pp_size = 2, .pipeline_layers = {}}});
}

TEST_CASE_FIXTURE(Ranks,
                  "families: tensor and pipeline parallel at once equal one rank" * doctest::skip(!Ranks::among({4}))) {
  check_families(world, {{.tp_size = 2, .pp_size = 2, .sequence_parallel = true, .pipeline_layers = {}}});
}

}  // namespace
}  // namespace collie::test
