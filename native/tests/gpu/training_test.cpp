// Loss and gradients of every way to train, on micro-batches smaller than the capacity.
#include <ATen/ATen.h>
#include <doctest/doctest.h>

#include "engine/peft_support.h"
#include "pair.h"

namespace collie::test {
namespace {

const std::vector<int64_t> kDocuments = {17, 2, 20};  // of a capacity of 64
const std::vector<std::string> kTargets = {"q_proj", "v_proj", "down_proj"};

TEST_CASE("every method on linears") {
  for (const Precision precision : kPrecisions)
    for (const int64_t head_dim : {16, 64})
      for (const MethodCase& one : linear_methods()) {
        CAPTURE(one.name);
        CAPTURE(static_cast<int>(precision));
        CAPTURE(head_dim);
        // PiSSA's base weights are what the device's own singular value decomposition left, whose rounding the gaps between values amplify.
        const double slack = one.fields.at("type") == "pissa" ? 10 : 1;
        check_step(tiny_config({.head_dim = head_dim}), training_options(method_of(one.fields), precision), kDocuments,
                   slack);
      }
}

TEST_CASE("methods between and beside the layers") {
  const std::vector<MethodSpec> methods = {{"bottleneck", {{"bottleneck_size", 6}, {"activation", "gelu"}}},
                                           {"freeze", {{"last_layers", 1}}},
                                           {"prompt_tuning", {{"virtual_tokens", 5}, {"init_text", ""}}},
                                           {"prefix_tuning", {{"virtual_tokens", 5}, {"init_text", ""}}},
                                           {"p_tuning", {{"virtual_tokens", 5}, {"encoder_hidden_size", 12}}}};
  for (const MethodSpec& method : methods)
    for (const Precision precision : kPrecisions) {
      CAPTURE(method.type);
      DecoderOptions options = training_options(method, precision);
      options.capacity_tokens = 80;
      check_step(tiny_config({.head_dim = 64}), options, {17, 20});
    }
}

TEST_CASE("full fine-tuning: tied and untied tables, windows, scaled positions, activation checkpointing") {
  for (const Precision precision : kPrecisions)
    for (const int64_t head_dim : {16, 64, 128})
      for (const bool tied : {true, false}) {
        CAPTURE(static_cast<int>(precision));
        CAPTURE(head_dim);
        DecoderOptions options = training_options(full_method(), precision);
        check_step(tiny_config({.tied = tied, .head_dim = head_dim}), options, kDocuments);
        options.checkpointing = ActivationCheckpointing::full;
        check_step(tiny_config({.tied = tied, .window = 5, .scaling = RopeScaling::llama3, .head_dim = head_dim}),
                   options, {40, 9});
      }
}

TEST_CASE("dropout has the same masks") {
  for (const Precision precision : kPrecisions)
    check_step(tiny_config({.head_dim = 64}), training_options(lora_method(4, 8, 0.2, kTargets), precision),
               kDocuments);
}

TEST_CASE("small quantized base") {
  for (const Precision precision : kPrecisions)
    for (const auto& [level, checkpointing] : kCheckpointingLevels) {
      CAPTURE(level);
      DecoderOptions options = training_options(lora_method(4, 8, 0, kTargets), precision);
      options.quantization = Quantization::nf4;
      options.checkpointing = checkpointing;
      check_step(tiny_config({.head_dim = 64}), options, {30, 9});
    }
}

// LOMO: layers share one gradient, which is handed out when it is complete.
TEST_CASE("updates inside of the backward pass") {
  for (const Precision precision : kPrecisions) {
    DecoderOptions options = training_options(full_method(), precision);
    options.masters = Masters::none;
    options.gradients = GradientLife::one_layer;
    const ModelConfig config = tiny_config({.head_dim = 64});
    Pair pair(config, options);
    const PackedBatch batch = random_batch(config, kDocuments, 11);
    std::vector<at::Tensor> expected, got;
    const auto keep = [](std::vector<at::Tensor>& all) {
      return [&all](const CompletedGradients& completed) {
        for (const Parameter& p : completed.parameters) all.push_back(on_host(p.grad));
      };
    };
    pair.cpu->forward_backward_fused(batch, 0.5, 1, keep(expected));
    pair.device->forward_backward_fused(batch, 0.5, 1, keep(got));
    REQUIRE(got.size() == expected.size());
    for (size_t i = 0; i < got.size(); ++i) CHECK(relative_error(got[i], expected[i]) < 2 * bound(precision));
  }
}

TEST_CASE("a step gives the same bits every time") {
  for (const Precision precision : kPrecisions) {
    const ModelConfig config = tiny_config({.head_dim = 64});
    Pair pair(config, training_options(full_method(), precision));
    const PackedBatch batch = random_batch(config, kDocuments, 11);
    std::vector<at::Tensor> first;
    for (int64_t turn = 0; turn < 3; ++turn) {
      pair.device->zero_grad();
      pair.device->forward_backward(batch, 0.5, 1);
      for (size_t i = 0; i < pair.device->trainable().size(); ++i) {
        const at::Tensor grad = on_host(pair.device->trainable()[i].grad);
        if (turn == 0)
          first.push_back(grad);
        else
          CHECK(at::equal(grad, first[i]));
      }
    }
  }
}

}  // namespace
}  // namespace collie::test
