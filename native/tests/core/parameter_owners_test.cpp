#include "core/plan/parameter_owners.h"

#include <doctest/doctest.h>

#include <numeric>

#include "core/plan/model_tensors.h"

namespace collie {
namespace {

ModelConfig model() {
  ModelConfig c;
  c.hidden_size = 64;
  c.intermediate_size = 160;
  c.n_layers = 6;
  c.n_heads = 4;
  c.n_kv_heads = 2;
  c.head_dim = 16;
  c.vocab_size = 100;
  return c;
}

}  // namespace

TEST_CASE("the largest go first, each to who has least; who has an owner keeps it") {
  const std::vector<int64_t> sizes = {5, 9, 4, 4, 1};
  CHECK(share_out(sizes, std::vector<int64_t>(5, -1), 2) == std::vector<int64_t>{1, 0, 1, 0, 1});
  CHECK(share_out(sizes, {-1, 1, -1, -1, 1}, 2) == std::vector<int64_t>{0, 1, 0, 0, 1});
}

TEST_CASE("every matrix has one owner, the same on all ranks, and loads are even") {
  const ModelConfig config = model();
  const MethodSpec full{"full", nlohmann::json::object()};
  std::vector<int64_t> load(3);
  for (const NamedShape& tensor : model_tensors(config)) {
    CAPTURE(tensor.name);
    int64_t here = 0;
    for (int64_t rank = 0; rank < 3; ++rank) {
      const Ownership ownership = ParameterOwners(config, whole_model(config), full, 3, rank).of(tensor.name);
      if (tensor.shape.size() == 1) {
        CHECK(!ownership.owner);
        CHECK(ownership.here);
        continue;
      }
      REQUIRE(ownership.owner);
      CHECK(ownership.here == (*ownership.owner == rank));
      if (!ownership.here) continue;
      ++here;
      load[static_cast<size_t>(rank)] += tensor.shape[0] * tensor.shape[1];
    }
    if (tensor.shape.size() == 2) CHECK(here == 1);
  }
  const int64_t all = std::accumulate(load.begin(), load.end(), int64_t{0});
  for (const int64_t one : load) CHECK(one == doctest::Approx(all / 3.0).epsilon(0.03));
}

TEST_CASE("without ZeRO everything is everywhere") {
  CHECK(!ParameterOwners().of("model.layers.0.mlp.up_proj.weight").owner);
  CHECK(ParameterOwners().of("model.layers.0.mlp.up_proj.weight").here);
}

}  // namespace collie
