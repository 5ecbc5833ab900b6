// What ZeRO leaves on a rank, and weights that come from their owners.
#include "core/plan/memory_plan.h"
#include "engine/peft_support.h"
#include "parallel/layout_run.h"

namespace collie::test {
namespace {

struct Case {
  const char* name;
  MethodSpec method;
  Quantization quantization = Quantization::none;
};

std::vector<Case> cases() {
  const MethodSpec full{"full", nlohmann::json::object()}, lora = method_of(linear_methods()[0].fields);
  return {{"full", full}, {"LoRA", lora}, {"QLoRA", lora, Quantization::nf4}};
}

DecoderOptions options_of(const Case& c, const Parallel& grid) {
  DecoderOptions o = training_options(c.method, Precision::bf16);
  o.quantization = c.quantization;
  o.capacity_tokens = 64;
  o.max_document = 32;
  o.parallel = grid;
  if (grid.spec.zero_stage >= 2) o.gradients = GradientLife::one_layer;
  return o;
}

// Hidden sizes of whole quantized blocks.
ModelConfig aligned_config() {
  ModelConfig config = config_for(1, Tables::untied);
  config.hidden_size = 128;
  config.head_dim = 64;
  config.n_heads = 2;
  config.n_kv_heads = 2;
  config.intermediate_size = 192;
  config.n_layers = 6;
  return config;
}

Parallel data_parallel(const std::shared_ptr<Communicator>& world, int64_t zero_stage) {
  return make_parallel({.dp_size = world->size(), .zero_stage = zero_stage, .pipeline_layers = {}}, world);
}

}  // namespace

TEST_CASE_FIXTURE(Ranks, "ZeRO: weights are what the forecast says, and all ranks together hold them once" *
                             doctest::skip(!Ranks::among({2, 4}))) {
  const ModelConfig config = aligned_config();
  for (const Case& c : cases())
    for (int64_t stage = 0; stage <= 3; ++stage) {
      CAPTURE(c.name);
      CAPTURE(stage);
      const Parallel grid = data_parallel(world, stage);
      const DecoderOptions o = options_of(c, grid);
      Decoder decoder(config, o);
      decoder.randomize(1);
      const MemoryPlan plan = plan_memory(config, {.purpose = o.purpose,
                                                   .method = o.method,
                                                   .gradients = o.gradients,
                                                   .quantization = o.quantization,
                                                   .precision = o.precision,
                                                   .capacity_tokens = o.capacity_tokens,
                                                   .max_document = o.max_document,
                                                   .zero_stage = stage,
                                                   .dp_size = size,
                                                   .dp_rank = rank});
      CHECK(plan.weights == decoder.memory_use().weights_bytes);
      if (std::string(c.name) != "full") continue;
      // Masters: once among the ranks from stage 1 on.
      double masters = 0, trained = 0;
      for (const Parameter& p : decoder.trainable()) {
        if (p.grad.dim() == 2 && p.master.defined()) masters += static_cast<double>(p.master.numel());
        if (p.grad.dim() == 2) trained += static_cast<double>(p.grad.numel());
      }
      world->all_reduce(std::span(&masters, 1));
      CHECK(masters == trained * static_cast<double>(stage == 0 ? size : 1));
    }
}

TEST_CASE_FIXTURE(Ranks, "ZeRO 3: LoRA over a quantized base equals one rank" * doctest::skip(!Ranks::among({2}))) {
  const ModelConfig config = aligned_config();
  const TemporaryStore rows(layout_rows(config));
  const Recipe recipe{.method = "lora", .quantization = Quantization::nf4};
  LayoutRun run(config, recipe, data_parallel(world, 3), 4, *rows), oracle(config, recipe, serial(), 4, *rows);
  for (int64_t step = 0; step < 3; ++step) {
    const StepResult expected = oracle.step(step), received = run.step(step);
    CHECK(received.loss == doctest::Approx(expected.loss).epsilon(1e-5));
    CHECK(received.grad_norm == doctest::Approx(expected.grad_norm).epsilon(1e-5));
  }
}

TEST_CASE_FIXTURE(Ranks,
                  "ZeRO 3: a rank without a micro-batch or a batch takes part" * doctest::skip(!Ranks::among({2, 4}))) {
  const ModelConfig config = layout_config({.pipeline_layers = {}}, Tables::tied);
  const TemporaryStore rows(layout_rows(config));
  for (const char* optimizer : {"adamw", "adalomo"}) {
    CAPTURE(optimizer);
    const Recipe recipe{.optimizer = optimizer};
    LayoutRun run(config, recipe, data_parallel(world, 3), 1, *rows), oracle(config, recipe, serial(), 1, *rows);
    CHECK(run.step(0).loss == doctest::Approx(oracle.step(0).loss).epsilon(1e-5));
    CHECK(run.step(1).loss == doctest::Approx(oracle.step(1).loss).epsilon(1e-5));
    double loss = 0;
    if (rank == 0)
      loss = run.evaluate(0).loss;
    else
      run.pipeline().evaluate_nothing();
    world->all_reduce(std::span(&loss, 1));
    CHECK(loss == doctest::Approx(oracle.evaluate(0).loss).epsilon(1e-5));
  }
}

}  // namespace collie::test
