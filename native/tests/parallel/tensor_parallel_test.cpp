// A tensor-parallel group against one rank: initial weights, losses, gradients, weights after three steps, logits and generation.
#include <set>

#include "core/plan/memory_plan.h"
#include "engine/optim/clip.h"
#include "engine/peft_support.h"
#include "parallel/model_pair.h"

namespace collie::test {
namespace {

constexpr double kExact = 1e-5;

// Sophia divides by an estimate of the curvature and has no eps worth the name: where both are rounding, the sign is.
double bound_of(const std::string& optimizer) { return optimizer == "sophia" ? 1e-4 : kExact; }

// With and without sequence parallelism.
std::vector<Parallel> groups(const std::shared_ptr<Communicator>& world) {
  std::vector<Parallel> both;
  for (const bool sequence : {false, true})
    both.push_back(
        make_parallel({.tp_size = world->size(), .sequence_parallel = sequence, .pipeline_layers = {}}, world));
  return both;
}

DecoderOptions options_of(const MethodSpec& method, Precision precision = Precision::fp32) {
  DecoderOptions o = training_options(method, precision);
  const int64_t slots = virtual_tokens(method);
  o.capacity_tokens = 65 + 3 * slots;  // divides by no number of ranks
  o.max_document = 48 + slots;
  return o;
}

struct Method {
  std::string name;
  MethodSpec spec;
};

std::vector<Method> methods() {
  std::vector<Method> all = {
      {"full", {"full", nlohmann::json::object()}},
      {"freeze", {"freeze", {{"last_layers", 1}}}},
      {"prompt tuning", {"prompt_tuning", {{"virtual_tokens", 5}, {"init_text", ""}}}},
      {"prefix tuning", {"prefix_tuning", {{"virtual_tokens", 4}, {"init_text", ""}}}},
      {"p-tuning", {"p_tuning", {{"virtual_tokens", 3}, {"encoder_hidden_size", 12}}}},
      {"bottleneck", {"bottleneck", {{"bottleneck_size", 6}, {"activation", "gelu"}}}},
  };
  for (const MethodCase& c : linear_methods())
    if (c.fields["type"] != "adalora") all.push_back({c.name, method_of(c.fields)});
  nlohmann::json dropped = linear_methods()[0].fields;
  dropped["dropout"] = 0.3;
  all.push_back({"lora with dropout", method_of(dropped)});
  return all;
}

struct Stepper {
  ModelPair& pair;
  std::unique_ptr<Kernels> kernels = make_kernels(at::kCPU);
  std::unique_ptr<Optimizer> whole, shared;
  double bound;

  Stepper(ModelPair& p, const std::string& type) : pair(p), bound(bound_of(type)) {
    whole = make_optimizer(optimizer_spec(type), pair.whole->trainable(), *kernels);
    shared = make_optimizer(optimizer_spec(type), pair.shared->trainable(), *kernels);
  }

  // Three micro-batches, one of fewer tokens than there may be ranks; clipping, one update.
  void step(int64_t number) {
    const ModelConfig& config = pair.whole->config();
    const auto u = static_cast<uint64_t>(number);
    const std::vector<PackedBatch> batches = {documents(config, {20, 7}, 2 * u), documents(config, {2}, 99 + u),
                                              documents(config, {30}, 2 * u + 1)};
    accumulate(batches, u, {});
    pair.check_gradients(bound);
    const double norm = global_grad_norm(pair.whole->trainable(), *kernels);
    CHECK(pair.gradient_norm(*kernels) == doctest::Approx(norm).epsilon(kExact));
    const OptimizerStep now{number, 1e-3, clip_factor(norm, 1.0)};
    whole->step(pair.whole->trainable(), now);
    shared->step(pair.shared->trainable(), now);
    pair.whole->sync_weights();
    pair.shared->sync_weights();
    if (whole->curvature_interval() == 0) return;
    accumulate(batches, u, {LabelSource::model, u});
    pair.check_gradients(bound);
    for (size_t i = 0; i < pair.whole->trainable().size(); ++i) {
      whole->observe_curvature(i, pair.whole->trainable()[i], 30);
      shared->observe_curvature(i, pair.shared->trainable()[i], 30);
    }
  }

  void accumulate(const std::vector<PackedBatch>& batches, uint64_t key, const Labels& labels) {
    pair.whole->zero_grad();
    pair.shared->zero_grad();
    for (const PackedBatch& batch : batches) {
      const LossSums expected = pair.whole->forward_backward(batch, 1.0 / 40, key, labels);
      const LossSums received = pair.shared->forward_backward(batch, 1.0 / 40, key, labels);
      CHECK(received.targets == expected.targets);
      CHECK(received.loss == doctest::Approx(expected.loss).epsilon(kExact));
    }
    pair.whole->finish_gradients();
    pair.shared->finish_gradients();
  }

  // The update inside the backward pass.
  void fused_step(int64_t number) {
    const PackedBatch batch = documents(pair.whole->config(), {20, 17}, static_cast<uint64_t>(number));
    const auto pass = [&](Decoder& decoder, Optimizer& optimizer) {
      return decoder.forward_backward_fused(batch, 1.0 / 25, 1, [&](const CompletedGradients& completed) {
        for (size_t i = 0; i < completed.parameters.size(); ++i)
          optimizer.update(completed.first + i, completed.parameters[i], {number, 1e-3, 1});
      });
    };
    const LossSums expected = pass(*pair.whole, *whole), received = pass(*pair.shared, *shared);
    CHECK(received.loss == doctest::Approx(expected.loss).epsilon(kExact));
  }
};

void check_outputs(ModelPair& pair) {
  const ModelConfig& config = pair.whole->config();
  const PackedBatch batch = documents(config, {25, 11}, 77);
  const LossSums expected = pair.whole->evaluate(batch), received = pair.shared->evaluate(batch);
  CHECK(received.loss == doctest::Approx(expected.loss).epsilon(kExact));
  CHECK(received.correct == expected.correct);
  CHECK(distance(pair.shared->logits(batch, AdapterUse::on), pair.whole->logits(batch, AdapterUse::on)) <= kExact);
  const auto cache = pair.whole->make_cache(40), shared_cache = pair.shared->make_cache(40);
  std::vector<int32_t> next = {5, 99, 0, 40};
  for (int i = 0; i < 6; ++i) {
    const at::Tensor a = pair.whole->extend(next, *cache, AdapterUse::on),
                     b = pair.shared->extend(next, *shared_cache, AdapterUse::on);
    CHECK(distance(b, a) <= kExact);
    next = {static_cast<int32_t>(at::argmax(a).item<int64_t>())};
    CHECK(at::argmax(b).item<int64_t>() == next[0]);
  }
}

void check_training(const ModelConfig& config, const DecoderOptions& options, const std::string& optimizer,
                    const Parallel& grid) {
  ModelPair pair(config, options, grid);
  const bool computed = std::set<std::string>{"pissa", "dora", "prefix_tuning"}.contains(options.method->type);
  pair.check_weights(computed ? kExact : 0, "at the start");
  pair.disturb(5);
  Stepper stepper(pair, optimizer);
  for (int64_t step = 1; step <= 3; ++step) {
    if (options.gradients == GradientLife::one_layer)
      stepper.fused_step(step);
    else
      stepper.step(step);
  }
  pair.check_weights(bound_of(optimizer), "after three steps");
  check_outputs(pair);
}

void check_forecast(const ModelConfig& config, DecoderOptions o, const Parallel& grid) {
  o.parallel = grid;
  Decoder decoder(config, o);
  decoder.randomize(1);
  decoder.forward_backward(documents(config, {25, 11}, 3), 1, 1);
  const MemoryPlan plan = plan_memory(config, {.purpose = o.purpose,
                                               .method = o.method,
                                               .precision = o.precision,
                                               .checkpointing = o.checkpointing,
                                               .capacity_tokens = o.capacity_tokens,
                                               .max_document = o.max_document,
                                               .slots = o.slots,
                                               .optimizer = optimizer_spec("adamw"),
                                               .shard = model_shard(config, grid.spec, grid.place)});
  const Decoder::MemoryUse use = decoder.memory_use();
  CHECK(plan.weights == use.weights_bytes);
  CHECK(plan.gradients == use.gradients_bytes);
  CHECK(plan.activations == use.activations_bytes);
  int64_t trainable = 0;
  for (const Parameter& p : decoder.trainable()) trainable += p.master.numel();
  CHECK(plan.trainable_params == trainable);
  CHECK(plan.optimizer == trainable * 8);
}

}  // namespace

TEST_CASE_FIXTURE(Ranks, "tensor parallel: every method equals one rank" * doctest::skip(!Ranks::among({2, 3, 4}))) {
  for (const Parallel& grid : groups(world)) {
    CAPTURE(grid.spec.sequence_parallel);
    for (const Method& method : methods()) {
      CAPTURE(method.name);
      check_training(config_for(size, Tables::tied), options_of(method.spec), "adamw", grid);
    }
  }
}

TEST_CASE_FIXTURE(Ranks, "tensor parallel: untied tables, activation checkpointing, other shares of heads" *
                             doctest::skip(!Ranks::among({2, 3, 4}))) {
  for (const Parallel& grid : groups(world)) {
    CAPTURE(grid.spec.sequence_parallel);
    DecoderOptions o = options_of({"full", nlohmann::json::object()});
    check_training(config_for(size, Tables::untied), o, "adamw", grid);
    for (const auto& [level, checkpointing] : kCheckpointingLevels) {
      CAPTURE(level);
      o.checkpointing = checkpointing;
      check_training(config_for(size, Tables::tied), o, "adamw", grid);
    }
    o = options_of({"bottleneck", {{"bottleneck_size", 6}, {"activation", "silu"}}});
    o.checkpointing = ActivationCheckpointing::full;
    check_training(config_for(size, Tables::untied), o, "adamw", grid);
    if (size != 3)
      check_training(odd_config(8, 1, Tables::tied), options_of(method_of(linear_methods()[0].fields)), "adamw", grid);
  }
}

TEST_CASE_FIXTURE(Ranks, "tensor parallel: every optimizer that is allowed equals one rank" *
                             doctest::skip(!Ranks::among({2, 3, 4}))) {
  for (const Parallel& grid : groups(world)) {
    CAPTURE(grid.spec.sequence_parallel);
    for (const std::string optimizer : {"lion", "adan", "sgd", "sophia", "adafactor"})
      for (const MethodSpec& method :
           {MethodSpec{"full", nlohmann::json::object()}, method_of(linear_methods()[0].fields)}) {
        CAPTURE(optimizer);
        check_training(config_for(size, Tables::tied), options_of(method), optimizer, grid);
      }
  }
}

TEST_CASE_FIXTURE(Ranks, "tensor parallel: updates in the backward pass equal those of one rank" *
                             doctest::skip(!Ranks::among({2, 3, 4}))) {
  for (const Parallel& grid : groups(world)) {
    CAPTURE(grid.spec.sequence_parallel);
    for (const std::string optimizer : {"lomo", "adalomo"})
      for (const MethodSpec& method :
           {MethodSpec{"full", nlohmann::json::object()}, method_of(linear_methods()[0].fields)}) {
        CAPTURE(optimizer);
        DecoderOptions o = options_of(method);
        o.masters = Masters::none;
        o.gradients = GradientLife::one_layer;
        check_training(config_for(size, Tables::tied), o, optimizer, grid);
      }
  }
}

TEST_CASE_FIXTURE(Ranks, "tensor parallel: bf16 stays as near to fp32 as one rank does" *
                             doctest::skip(!Ranks::among({2, 4}))) {
  for (const Parallel& grid : groups(world)) {
    CAPTURE(grid.spec.sequence_parallel);
    const ModelConfig config = config_for(size, Tables::tied);
    for (const Method& method : methods()) {
      CAPTURE(method.name);
      ModelPair pair(config, options_of(method.spec, Precision::bf16), grid);
      pair.disturb(5);
      const PackedBatch batch = documents(config, {25, 11}, 3);
      const LossSums expected = pair.whole->forward_backward(batch, 0.04, 1),
                     received = pair.shared->forward_backward(batch, 0.04, 1);
      pair.whole->finish_gradients();
      pair.shared->finish_gradients();
      CHECK(received.loss == doctest::Approx(expected.loss).epsilon(1e-2));
      pair.check_gradients(0.1);
    }
  }
}

TEST_CASE_FIXTURE(Ranks, "tensor parallel: weights in 4 bits have the values they have on one rank" *
                             doctest::skip(!Ranks::among({2, 4}))) {
  for (const Parallel& grid : groups(world)) {
    CAPTURE(grid.spec.sequence_parallel);
    ModelConfig config = odd_config(4, 2, Tables::tied);
    config.hidden_size = 128;
    config.head_dim = 64;
    config.intermediate_size = 320;  // 5 blocks: uneven shares
    for (const std::string type : {"lora", "dora", "ia3"}) {
      CAPTURE(type);
      nlohmann::json fields;
      for (const MethodCase& c : linear_methods())
        if (fields.is_null() && c.fields["type"] == type) fields = c.fields;
      DecoderOptions o = options_of(method_of(fields));
      o.quantization = Quantization::nf4;
      check_training(config, o, "adamw", grid);
    }
  }
}

TEST_CASE_FIXTURE(Ranks, "tensor parallel: the memory forecast equals what the decoder of a rank allocates" *
                             doctest::skip(!Ranks::among({2, 3, 4}))) {
  for (const Parallel& grid : groups(world)) {
    CAPTURE(grid.spec.sequence_parallel);
    for (const Tables tables : {Tables::tied, Tables::untied})
      for (const Method& method : methods()) {
        CAPTURE(method.name);
        check_forecast(config_for(size, tables), options_of(method.spec, Precision::bf16), grid);
      }
    DecoderOptions o = options_of({"full", nlohmann::json::object()});
    o.slots = 3;
    for (const auto& [level, checkpointing] : kCheckpointingLevels) {
      CAPTURE(level);
      o.checkpointing = checkpointing;
      check_forecast(config_for(size, Tables::tied), o, grid);
    }
  }
}

}  // namespace collie::test
