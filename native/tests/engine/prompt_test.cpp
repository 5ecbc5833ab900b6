// Methods with virtual tokens against autograd, and the equalities that packing, checkpointing and the cache promise.
#include <ATen/ATen.h>
#include <doctest/doctest.h>

#include "core/base/random.h"
#include "engine/generate/generator.h"
#include "engine/peft/prompt_adapter.h"
#include "model_reference.h"

namespace collie::test {
namespace {

constexpr int64_t kSlots = 5;

std::vector<MethodSpec> prompt_methods() {
  return {{"prompt_tuning", {{"virtual_tokens", kSlots}, {"init_text", ""}}},
          {"prefix_tuning", {{"virtual_tokens", kSlots}, {"init_text", ""}}},
          {"p_tuning", {{"virtual_tokens", kSlots}, {"encoder_hidden_size", 12}}}};
}

DecoderOptions options_for(const MethodSpec& method) {
  DecoderOptions o;
  o.precision = Precision::fp32;
  o.purpose = Purpose::train;
  o.capacity_tokens = 64 + 3 * kSlots;
  o.max_document = 40 + kSlots;
  o.seed = 7;
  o.method = method;
  return o;
}

// A model folder and a decoder over it with trained values in some place of their own.
struct Tuned {
  Tuned(const ModelConfig& config, const DecoderOptions& options)
      : base(random_weights_of(config, 5)), folder(base, DType::F32), decoder(config, options) {
    decoder.load(folder.path());
    Random random(3);
    for (const NamedTensor& t : decoder.trained_tensors())
      for (int64_t i = 0; i < t.tensor.numel(); ++i)
        t.tensor.view({-1}).data_ptr<float>()[i] += static_cast<float>(random.uniform() - 0.5);
    decoder.sync_weights();
  }
  Weights weights() {
    Weights w = base;
    for (const Parameter& p : decoder.trainable()) w[p.name] = p.master.detach().clone().requires_grad_(true);
    return w;
  }
  Weights base;
  ModelFolderOnDisk folder;
  Decoder decoder;
};

std::vector<at::Tensor> gradients(Decoder& decoder) {
  std::vector<at::Tensor> all;
  for (const Parameter& p : decoder.trainable()) all.push_back(p.grad.clone());
  return all;
}

}  // namespace

TEST_CASE("virtual tokens: loss, logits and gradients are autograd's") {
  for (const MethodSpec& method : prompt_methods())
    for (const int64_t window : {0, 7}) {
      CAPTURE(method.type);
      CAPTURE(window);
      const ModelConfig config = tiny_config({.window = window});
      Tuned tuned(config, options_for(method));
      const PackedBatch batch = random_batch(config, {19, 1, 12}, 11);
      Weights w = tuned.weights();
      const at::Tensor loss = reference_loss(config, w, batch, 0);
      (loss * 0.5).backward();
      const LossSums sums = tuned.decoder.forward_backward(batch, 0.5, 0);
      CHECK(sums.loss == doctest::Approx(loss.item<float>()).epsilon(1e-5));
      CHECK(sums.targets == batch.n_targets());
      REQUIRE(!tuned.decoder.trainable().empty());
      for (const Parameter& p : tuned.decoder.trainable()) {
        CAPTURE(p.name);
        CHECK(relative_error(p.grad, w.at(p.name).grad()) <= 1e-4);
      }
      const at::Tensor logits = tuned.decoder.logits(batch, AdapterUse::on);
      CHECK(logits.size(0) == batch.n_tokens());
      CHECK(relative_error(logits, reference_logits(config, w, batch, 0)) <= 1e-5);
      CHECK(relative_error(tuned.decoder.logits(batch, AdapterUse::off),
                           reference_logits(config, tuned.base, batch, 0)) <= 1e-5);
      CHECK(tuned.decoder.evaluate(batch).loss == doctest::Approx(loss.item<float>()).epsilon(1e-5));
    }
}

TEST_CASE("virtual tokens: packed documents are single documents") {
  for (const MethodSpec& method : prompt_methods()) {
    CAPTURE(method.type);
    const ModelConfig config = tiny_config();
    Tuned tuned(config, options_for(method));
    const PackedBatch batch = random_batch(config, {19, 7, 12}, 11);
    const double together = tuned.decoder.forward_backward(batch, 1, 0).loss;
    const std::vector<at::Tensor> packed = gradients(tuned.decoder);
    tuned.decoder.zero_grad();
    double alone = 0;
    for (size_t d = 0; d < 3; ++d) alone += tuned.decoder.forward_backward(document_of(batch, d), 1, 0).loss;
    CHECK(together == doctest::Approx(alone).epsilon(1e-6));
    const std::vector<at::Tensor> single = gradients(tuned.decoder);
    for (size_t i = 0; i < packed.size(); ++i) CHECK(relative_error(packed[i], single[i]) <= 1e-5);
  }
}

TEST_CASE("virtual tokens: activation checkpointing and fused gradients give the same bits") {
  for (const MethodSpec& method : prompt_methods()) {
    CAPTURE(method.type);
    const ModelConfig config = tiny_config();
    const PackedBatch batch = random_batch(config, {19, 12}, 11);
    Tuned plain(config, options_for(method));
    plain.decoder.forward_backward(batch, 1, 0);
    DecoderOptions options = options_for(method);
    const std::vector<at::Tensor> expected = gradients(plain.decoder);
    for (const auto& [level, checkpointing] : kCheckpointingLevels) {
      CAPTURE(level);
      options.checkpointing = checkpointing;
      Tuned again(config, options);
      again.decoder.forward_backward(batch, 1, 0);
      const std::vector<at::Tensor> remade = gradients(again.decoder);
      for (size_t i = 0; i < expected.size(); ++i) CHECK(at::equal(remade[i], expected[i]));
    }
    options.gradients = GradientLife::one_layer;
    Tuned fused(config, options);
    size_t handed = 0;
    fused.decoder.forward_backward_fused(batch, 1, 0, [&](const CompletedGradients& done) {
      for (size_t i = 0; i < done.parameters.size(); ++i, ++handed)
        CHECK(at::equal(done.parameters[i].grad, plain.decoder.trainable()[done.first + i].grad));
    });
    CHECK(handed == plain.decoder.trainable().size());
  }
}

TEST_CASE("virtual tokens: a conversation equals whole documents, and counts real tokens") {
  for (const MethodSpec& method : prompt_methods()) {
    CAPTURE(method.type);
    const ModelConfig config = tiny_config();
    Tuned tuned(config, options_for(method));
    const PackedBatch batch = random_batch(config, {20}, 11);
    for (const AdapterUse use : {AdapterUse::on, AdapterUse::off}) {
      const at::Tensor whole = tuned.decoder.logits(batch, use);
      const auto cache = tuned.decoder.make_cache(20);
      const std::span<const int32_t> ids(batch.ids_N);
      const auto logits_at = [&](size_t from, size_t to) {
        return tuned.decoder.extend(ids.subspan(from, to - from), *cache, use);
      };
      CHECK(relative_error(logits_at(0, 9), whole[8]) <= 1e-5);
      for (size_t i = 9; i < 20; ++i)
        CHECK(relative_error(logits_at(i, i + 1), whole[static_cast<int64_t>(i)]) <= 1e-5);
      CHECK_THROWS(logits_at(0, 1));  // full
      tuned.decoder.truncate(*cache, 12);
      CHECK(relative_error(logits_at(12, 20), whole[19]) <= 1e-5);
      CHECK_THROWS(tuned.decoder.truncate(*cache, 21));
      tuned.decoder.truncate(*cache, 0);
      CHECK(relative_error(logits_at(0, 20), whole[19]) <= 1e-5);
    }
  }
}

TEST_CASE("virtual tokens start from tokens") {
  CHECK(prompt_start_ids(std::vector<int32_t>{4, 9}, 5, 100, 1) == std::vector<int32_t>{4, 9, 4, 9, 4});
  CHECK(prompt_start_ids(std::vector<int32_t>{4, 9, 7}, 2, 100, 1) == std::vector<int32_t>{4, 9});
  CHECK(prompt_start_ids({}, 50, 100, 1) == prompt_start_ids({}, 50, 100, 1));
  CHECK(prompt_start_ids({}, 50, 100, 1) != prompt_start_ids({}, 50, 100, 2));
  const ModelConfig config = tiny_config();
  const Weights base = random_weights_of(config, 5);
  const ModelFolderOnDisk folder(base, DType::F32);
  for (const MethodSpec& method : {prompt_methods()[0], prompt_methods()[1]}) {
    CAPTURE(method.type);
    DecoderOptions options = options_for(method);
    options.prompt_ids = {3, 1, 4, 1, 5};
    Decoder decoder(config, options);
    decoder.load(folder.path());
    // Slots that are tokens: a document behind them is the rest of one that begins with these tokens.
    PackedBatch batch = random_batch(config, {20}, 11);
    for (size_t i = 0; i < 5; ++i) batch.ids_N[i] = options.prompt_ids[i];
    const at::Tensor whole = reference_logits(config, base, batch, 0);
    PackedBatch rest;
    rest.ids_N.assign(batch.ids_N.begin() + 5, batch.ids_N.end());
    rest.positions_N.assign(batch.positions_N.begin(), batch.positions_N.end() - 5);
    rest.targets_N.assign(15, -1);
    rest.doc_offsets = {0, 15};
    CHECK(relative_error(decoder.logits(rest, AdapterUse::on), whole.narrow(0, 5, 15)) <= 1e-5);
  }
}

}  // namespace collie::test
