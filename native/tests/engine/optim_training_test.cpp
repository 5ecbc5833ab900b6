// Every update rule trains a real decoder: the loss of a tiny model falls, in fp32 and bf16.
#include <doctest/doctest.h>

#include <filesystem>
#include <map>

#include "../fixtures.h"
#include "engine/kernels/kernels.h"
#include "model_reference.h"
#include "optim_problem.h"

namespace collie::test {
namespace {

// One case a rule, the first of its fixtures.
std::vector<OptimizerCase> one_case_each() {
  std::map<std::string, OptimizerCase> first;
  for (const OptimizerCase& one : optimizer_cases()) first.emplace(one.spec.type, one);
  std::vector<OptimizerCase> all;
  for (const auto& [type, one] : first) all.push_back(one);
  return all;
}

// Mean loss before and after 15 steps on the same two documents.
std::pair<double, double> fine_tune(const OptimizerCase& one, Precision precision, const MethodSpec& method) {
  const std::filesystem::path folder = fixtures() / "parity" / "llama-gqa-tied";
  const ModelConfig config = ModelConfig::load(folder);
  DecoderOptions options;
  options.precision = precision;
  options.purpose = Purpose::train;
  options.method = method;
  const bool inside = updates_inside_backward(one.spec);
  if (inside) {
    options.masters = Masters::none;
    options.gradients = GradientLife::one_layer;
  }
  options.capacity_tokens = 64;
  options.max_document = 32;
  Decoder decoder(config, options);
  decoder.load(folder);
  const auto kernels = make_kernels(at::kCPU);
  const auto optimizer = make_optimizer(one.spec, decoder.trainable(), *kernels);
  const PackedBatch batch = random_batch(config, {32, 32}, 5);
  const double scale = 1.0 / static_cast<double>(batch.n_targets());
  const double before = decoder.evaluate(batch).loss * scale;
  for (int64_t step = 1; step <= 15; ++step) {
    const OptimizerStep now{step, one.spec.learning_rate};
    if (inside) {
      decoder.forward_backward_fused(batch, scale, 0, [&](const CompletedGradients& completed) {
        for (size_t i = 0; i < completed.parameters.size(); ++i)
          optimizer->update(completed.first + i, completed.parameters[i], now);
      });
      continue;
    }
    decoder.zero_grad();
    decoder.forward_backward(batch, scale, 0);
    optimizer->step(decoder.trainable(), now);
    decoder.sync_weights();
    if (optimizer->curvature_interval() == 0 || (step - 1) % optimizer->curvature_interval() != 0) continue;
    decoder.zero_grad();
    decoder.forward_backward(batch, scale, 0, {LabelSource::model, static_cast<uint64_t>(step)});
    for (size_t i = 0; i < decoder.trainable().size(); ++i)
      optimizer->observe_curvature(i, decoder.trainable()[i], static_cast<double>(batch.n_targets()));
  }
  return {before, decoder.evaluate(batch).loss * scale};
}

}  // namespace

TEST_CASE("the loss of a tiny model falls under every optimizer") {
  for (const OptimizerCase& one : one_case_each()) {
    CAPTURE(one.name);
    const auto [before, after] = fine_tune(one, Precision::fp32, full_method());
    CAPTURE(before);
    CAPTURE(after);
    CHECK(after < before - 0.1);
    const auto [adapter_before, adapter_after] =
        fine_tune(one, Precision::bf16, lora_method(8, 16, 0, {"q_proj", "v_proj", "down_proj"}));
    CAPTURE(adapter_before);
    CAPTURE(adapter_after);
    CHECK(adapter_after < adapter_before - 0.01);
  }
}

}  // namespace collie::test
