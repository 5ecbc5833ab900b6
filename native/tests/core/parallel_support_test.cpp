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

std::vector<Refusal> refusals_of(const std::string& method, const std::string& optimizer, const ParallelSpec& parallel,
                                 Quantization quantization = Quantization::none, const ModelConfig* model = nullptr) {
  const MethodSpec m{method};
  const OptimizerSpec o{.type = optimizer, .hyper = {}};
  return parallel_refusals({m, o, quantization, parallel, model});
}

}  // namespace

TEST_CASE("every exclusion names a known value and is refused exactly on its axis, with reason and fix") {
  for (const Exclusion& e : exclusions()) {
    CAPTURE(e.value);
    const bool is_method = std::string(e.field) == "method.type";
    const std::string method = is_method ? e.value : "lora", optimizer = is_method ? "adamw" : e.value;
    if (is_method)
      CHECK_NOTHROW(peft_method(e.value));
    else
      CHECK(find_optimizer_rule(e.value) != nullptr);
    ParallelSpec p{.pipeline_layers = {}};
    CHECK(refusals_of(method, optimizer, p).empty());
    (e.axis == ParallelAxis::tensor ? p.tp_size : e.axis == ParallelAxis::pipeline ? p.pp_size : p.zero_stage) =
        e.axis == ParallelAxis::zero ? e.zero_stage : 2;
    const std::vector<Refusal> refused = refusals_of(method, optimizer, p);
    REQUIRE(refused.size() == 1);
    CHECK(refused[0].path == e.field);
    CHECK(refused[0].message.find(e.reason) != std::string::npos);
    CHECK(refused[0].fix == e.fix);
  }
}

TEST_CASE("sequence parallelism needs ranks to share tokens with") {
  const std::vector<Refusal> refused = refusals_of("lora", "adamw", {.sequence_parallel = true, .pipeline_layers = {}});
  REQUIRE(refused.size() == 1);
  CHECK(refused[0].path == "parallel.sequence_parallel");
  CHECK(refused[0].fix == "Set it to false, or raise parallel.tp_size.");
  CHECK(refusals_of("lora", "adamw", {.tp_size = 2, .sequence_parallel = true, .pipeline_layers = {}}).empty());
}

TEST_CASE("all refusals of a layout come together") {
  const ParallelSpec p{.tp_size = 2, .pipeline_layers = {}};
  const MethodSpec method{"adalora"};
  const OptimizerSpec optimizer{.type = "muon", .hyper = {}};
  try {
    check_parallel({method, optimizer, Quantization::none, p});
    FAIL("accepted");
  } catch (const Error& e) {
    CHECK(e.code() == "spec.invalid");
    CHECK(e.data().at("issues").size() == 2);
  }
}

TEST_CASE("sizes that do not divide are refused with the numbers and what is possible") {
  const ModelConfig c = small();
  const auto of = [&](int64_t tp, Quantization q) { return refusals_of("lora", "adamw", {.tp_size = tp, .pipeline_layers = {}}, q, &c); };
  CHECK(of(4, Quantization::none).empty());
  CHECK(of(4, Quantization::nf4).empty());
  REQUIRE(of(3, Quantization::none).size() == 1);
  CHECK(of(3, Quantization::none)[0].fix == "Use one of 1, 2, 4.");
  ModelConfig narrow = c;
  narrow.head_dim = 32;
  const ParallelSpec p{.tp_size = 4, .pipeline_layers = {}};
  const std::vector<Refusal> refused = refusals_of("lora", "adamw", p, Quantization::nf4, &narrow);
  REQUIRE(refused.size() == 1);
  CHECK(refused[0].fix == "Use one of 1, 2, or quantization none.");
}

TEST_CASE("the shares of all ranks make up the whole, and layouts and tensor lists agree") {
  const ModelConfig c = small();
  for (const int64_t tp : {1, 2, 4}) {
    std::map<std::string, int64_t> rows;
    for (int64_t rank = 0; rank < tp; ++rank) {
      const ModelShard shard{.tp_size = tp, .tp_rank = rank, .chunks = {{0, 1}, {2, 2}}};
      const ModelLayout layout = model_layout(c, std::nullopt, Purpose::serve, Masters::fp32, Quantization::none, shard);
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
