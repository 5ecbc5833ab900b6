// What cannot be combined with a layout, and the shares that a layout makes.
#include <doctest/doctest.h>

#include "core/base/error.h"
#include "core/plan/model_layout.h"
#include "core/plan/model_tensors.h"
#include "core/recipe/parallel_support.h"

namespace collie {
namespace {

ModelConfig small() {
  ModelConfig c;
  c.hidden_size = 128;
  c.intermediate_size = 320;
  c.n_layers = 4;
  c.n_heads = 4;
  c.n_kv_heads = 2;
  c.head_dim = 64;
  c.vocab_size = 101;
  return c;
}

}  // namespace

TEST_CASE("sizes that do not divide are refused with the numbers and what is possible") {
  const ModelConfig c = small();
  const auto of = [&](int64_t tp, Quantization q) {
    return layout_refusals(c, q, {.tp_size = tp, .pipeline_layers = {}});
  };
  CHECK(of(4, Quantization::none).empty());
  CHECK(of(4, Quantization::nf4).empty());
  REQUIRE(of(3, Quantization::none).size() == 1);
  CHECK(of(3, Quantization::none)[0].fix == "Use one of 1, 2, 4.");
  ModelConfig narrow = c;
  narrow.head_dim = 32;
  const ParallelSpec p{.tp_size = 4, .pipeline_layers = {}};
  const std::vector<Refusal> refused = layout_refusals(narrow, Quantization::nf4, p);
  REQUIRE(refused.size() == 1);
  CHECK(refused[0].fix == "Use one of 1, 2, or quantization none.");
}

TEST_CASE("the shares of all ranks make up the whole, and layouts and tensor lists agree") {
  const ModelConfig c = small();
  for (const int64_t tp : {1, 2, 4}) {
    std::map<std::string, int64_t> rows;
    for (int64_t rank = 0; rank < tp; ++rank) {
      const ModelShard shard{.tp_size = tp, .tp_rank = rank, .chunks = {{0, 1}, {2, 2}}};
      const ModelLayout layout =
          model_layout(c, std::nullopt, Purpose::serve, Masters::fp32, Quantization::none, shard);
      REQUIRE(layout.layers.size() == 3);
      const std::vector<NamedShape> tensors = model_tensors(c, shard);
      CHECK(tensors[10].name == "model.layers.2.input_layernorm.weight");
      for (const LinearLayout* linear : layout.layers[1].all())
        for (const Projection& part : linear->parts) {
          const auto held = std::ranges::find(tensors, "model.layers.2." + part.module + ".weight", &NamedShape::name);
          REQUIRE(held != tensors.end());
          CHECK(held->shape == std::vector<int64_t>{part.out, linear->in});
          if (part.replica == 0) rows[part.module] += part.out * linear->in;
        }
      CHECK(layout.intermediate.size % 64 == 0);
    }
    for (const ProjectionShape& p : projection_shapes(c, whole_model(c))) CHECK(rows.at(p.module) == p.out * p.in);
  }
}

}  // namespace collie
