// What a layout asks of its ranks, against counts by hand and against the whole model.
#include "core/plan/layout_plan.h"

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "core/base/error.h"

namespace collie {
namespace {

ModelConfig model() {
  ModelConfig c;
  c.family = "llama";
  c.hidden_size = 64;
  c.intermediate_size = 160;
  c.n_layers = 8;
  c.n_heads = 8;
  c.n_kv_heads = 4;
  c.head_dim = 8;
  c.vocab_size = 512;
  c.max_position = 512;
  return c;
}

RunSpec run(const ParallelSpec& parallel, const std::string& method = "full") {
  RunSpec spec;
  spec.method = {.type = method};
  spec.optimizer.type = "adamw";
  spec.batch = {.micro_batch_size = 2, .grad_accum_steps = 8, .seq_len = 64, .packing = false};
  spec.precision = Precision::fp32;
  // The same global batch under every layout.
  spec.batch.grad_accum_steps = 8 / parallel.dp_size;
  spec.batch.dp_size = parallel.dp_size;
  spec.parallel = parallel;
  return spec;
}

double all_flops(const std::vector<RankPlan>& plans) {
  double sum = 0;
  for (const RankPlan& plan : plans) sum += plan.flops_per_token;
  return sum;
}

TEST_CASE("one rank has the forecast of the whole model and sends nothing") {
  const auto plans = plan_layout(model(), run({}), 1);
  REQUIRE(plans.size() == 1);
  CHECK(plans[0].memory.total() == plan_memory(model(), run({}), 1).total());
  CHECK(plans[0].layers == 8);
  CHECK(plans[0].traffic.tensor == 0);
  CHECK(plans[0].traffic.pipeline == 0);
  CHECK(plans[0].traffic.data == 0);
}

TEST_CASE("the arithmetic of a step is shared out, none is lost") {
  const double whole = all_flops(plan_layout(model(), run({}), 1));
  // By hand: 6 operations an element of a matrix, and attention 12 keys E heads layers, keys half a sequence.
  const double layer = 64 * (64 + 32 + 32 + 64 + 3 * 160);
  CHECK(whole == 6 * (8 * layer + 512 * 64) + 12 * 32 * 8 * 64);
  for (const ParallelSpec& p :
       {ParallelSpec{.tp_size = 3}, ParallelSpec{.pp_size = 4}, ParallelSpec{.tp_size = 4, .pp_size = 2}})
    CHECK(all_flops(plan_layout(model(), run(p), 1)) == doctest::Approx(whole));
}

TEST_CASE("shards hold less; the vocabulary lies at the ends of a pipeline") {
  const MemoryPlan whole = plan_memory(model(), run({}), 1);
  for (const RankPlan& plan : plan_layout(model(), run({.tp_size = 2}), 1)) {
    CHECK(plan.memory.weights < 0.52 * whole.weights);
    CHECK(plan.memory.weights > 0.5 * whole.weights);  // norms are not split
  }
  const auto stages = plan_layout(model(), run({.pp_size = 4, .pipeline_layers = {2, 2, 2, 2}}), 1);
  REQUIRE(stages.size() == 4);
  CHECK(stages[0].memory.weights - stages[1].memory.weights == 512 * 64 * 4);
  CHECK(stages[3].rank == 3);
}

TEST_CASE("a stage holds the activations of the micro-batches in flight") {
  const auto stages = plan_layout(model(), run({.pp_size = 4, .pipeline_layers = {2, 2, 2, 2}}), 1);
  CHECK(stages[1].memory.activations > 1.3 * stages[2].memory.activations);
}

TEST_CASE("a layout that does not divide the model has no plan") {
  CHECK_THROWS_WITH_AS(plan_layout(model(), run({.tp_size = 64}), 1), doctest::Contains("attention heads"), Error);
}

TEST_CASE("ZeRO takes its share of state and gradients") {
  const auto at = [](int64_t stage) {
    return plan_layout(model(), run({.dp_size = 4, .zero_stage = stage}), 1)[0].memory;
  };
  CHECK(at(1).optimizer == doctest::Approx(at(0).optimizer / 4.0).epsilon(0.01));
  CHECK(at(1).gradients == at(0).gradients);
  CHECK(at(2).gradients < 0.6 * at(0).gradients);  // tables and one layer are whole
  CHECK(at(2).weights == at(0).weights);           // fp32: masters compute
  CHECK(at(3).weights < 0.7 * at(0).weights);      // of 8 layers two are whole, tables too
}

TEST_CASE("traffic follows the formulas of rings") {
  const double residual = 2 * 64 * 8 * 64 * 4.0;  // tokens of a step, hidden size, fp32
  const auto tp = plan_layout(model(), run({.tp_size = 4}), 1)[0].traffic;
  CHECK(tp.tensor == doctest::Approx(2 * 0.75 * residual * (8 * 4 + 2)));
  RunSpec recomputing = run({.tp_size = 4});
  recomputing.activation_checkpointing = ActivationCheckpointing::full;
  CHECK(plan_layout(model(), recomputing, 1)[0].traffic.tensor == doctest::Approx(2 * 0.75 * residual * (8 * 5 + 2)));
  recomputing.activation_checkpointing = ActivationCheckpointing::attention;
  CHECK(plan_layout(model(), recomputing, 1)[0].traffic.tensor == doctest::Approx(tp.tensor));
  const auto dp = plan_layout(model(), run({.dp_size = 2}), 1)[0];
  CHECK(dp.traffic.data == doctest::Approx(2 * 0.5 * 4 * static_cast<double>(parameter_count(model()))));
  const auto pp = plan_layout(model(), run({.pp_size = 4}), 1);
  CHECK(pp[0].traffic.pipeline == residual);
  CHECK(pp[1].traffic.pipeline == 2 * residual);
}

TEST_CASE("each level of activation checkpointing keeps less and computes more than the one before") {
  const auto at = [](ActivationCheckpointing level) {
    RunSpec spec = run({});
    spec.activation_checkpointing = level;
    return plan_layout(model(), spec, 1)[0];
  };
  const double d = 64, layers = 8, tokens = 128;
  const ModelConfig c = model();
  const auto ffn = static_cast<double>(c.intermediate_size), kv = static_cast<double>(c.n_kv_heads * c.head_dim);
  const auto off = at(ActivationCheckpointing::off), norms = at(ActivationCheckpointing::norms),
             mlp = at(ActivationCheckpointing::mlp), attention = at(ActivationCheckpointing::attention),
             full = at(ActivationCheckpointing::full);
  // All layers but one give back what they share.
  const auto saved = [&](const RankPlan& less, const RankPlan& more) {
    return static_cast<double>(more.memory.activations - less.memory.activations);
  };
  CHECK(saved(norms, off) == (layers - 1) * tokens * 4 * (2 * d + ffn));
  CHECK(saved(mlp, norms) == (layers - 1) * tokens * 4 * 2 * ffn);
  CHECK(saved(attention, mlp) == (layers - 1) * tokens * 4 * (2 * d + 2 * kv + static_cast<double>(c.n_heads)));
  CHECK(saved(full, attention) == (layers - 1) * tokens * 4 * (d + 2));
  CHECK(norms.flops_per_token == off.flops_per_token);
  CHECK(mlp.flops_per_token - norms.flops_per_token == layers * 2 * 2 * ffn * d);
  CHECK(attention.flops_per_token > mlp.flops_per_token);
  CHECK(full.flops_per_token - attention.flops_per_token == layers * 2 * d * d);
}

TEST_CASE("sequence parallelism keeps a share of the residual stream, and says what it sends for it") {
  const auto at = [](bool sequence, int64_t pp) {
    return plan_layout(model(), run({.tp_size = 4, .pp_size = pp, .sequence_parallel = sequence}), 1);
  };
  const double residual = 2 * 64 * 8 * 64 * 4.0;
  CHECK(at(true, 1)[0].traffic.tensor == doctest::Approx(2 * 0.75 * residual * (8 * 5 + 2.5)));
  CHECK(at(true, 2)[0].traffic.pipeline == at(false, 2)[0].traffic.pipeline / 4);
  // By hand, of 128 tokens at 32 a rank: x and x2 of 8 layers, output and gradient and 17 rstd shrink to a quarter; h1 and h2 of 8
  // layers become one buffer of as many tokens.
  const int64_t whole = 128 * 64 * 4, kept = whole * 3 / 4;
  CHECK(at(false, 1)[0].memory.activations - at(true, 1)[0].memory.activations ==
        (16 + 2) * kept + 17 * 96 * 4 + 16 * whole - whole);
  CHECK(at(true, 1)[0].memory.weights == at(false, 1)[0].memory.weights);
}

TEST_CASE("what the model does not allow is refused") {
  CHECK_THROWS(plan_layout(model(), run({.tp_size = 5}), 1));
  CHECK_THROWS(plan_layout(model(), run({.pp_size = 9}), 1));
}

}  // namespace
}  // namespace collie
