// Bottleneck adapters and frozen lower layers against autograd and against full fine-tuning.
#include <ATen/ATen.h>
#include <doctest/doctest.h>

#include "core/base/random.h"
#include "model_reference.h"

namespace collie::test {
namespace {

DecoderOptions options_for(const MethodSpec& method) {
  DecoderOptions o;
  o.precision = Precision::fp32;
  o.purpose = Purpose::train;
  o.capacity_tokens = 64;
  o.max_document = 40;
  o.method = method;
  return o;
}

MethodSpec bottleneck(const std::string& activation) {
  return {"bottleneck", {{"bottleneck_size", 6}, {"activation", activation}}};
}

void randomize(Decoder& decoder) {
  Random random(3);
  for (const NamedTensor& t : decoder.trained_tensors())
    for (int64_t i = 0; i < t.tensor.numel(); ++i)
      t.tensor.view({-1}).data_ptr<float>()[i] = static_cast<float>(random.uniform() - 0.5) * 0.6f;
  decoder.sync_weights();
}

}  // namespace

TEST_CASE("bottleneck adapters: loss and gradients are autograd's") {
  const ModelConfig config = tiny_config();
  const Weights base = random_weights_of(config, 5);
  const ModelFolderOnDisk folder(base, DType::F32);
  const PackedBatch batch = random_batch(config, {19, 1, 12}, 11);
  const std::vector<std::string> activations = {"relu", "gelu", "silu"};
  for (size_t a = 0; a < activations.size(); ++a) {
    CAPTURE(activations[a]);
    Decoder decoder(config, options_for(bottleneck(activations[a])));
    decoder.load(folder.path());
    CHECK(relative_error(decoder.logits(batch, AdapterUse::on), reference_logits(config, base, batch, 0)) <= 1e-5);
    randomize(decoder);
    Weights w = base;
    w["activation"] = at::tensor(static_cast<int64_t>(a));
    for (const Parameter& p : decoder.trainable()) w[p.name] = p.master.detach().clone().requires_grad_(true);
    const at::Tensor loss = reference_loss(config, w, batch, 0);
    (loss * 0.5).backward();
    CHECK(decoder.forward_backward(batch, 0.5, 0).loss == doctest::Approx(loss.item<float>()).epsilon(1e-5));
    CHECK(decoder.trainable().size() == static_cast<size_t>(config.n_layers * 8));
    for (const Parameter& p : decoder.trainable()) {
      CAPTURE(p.name);
      CHECK(relative_error(p.grad, w.at(p.name).grad()) <= 1e-4);
    }
    CHECK(relative_error(decoder.logits(batch, AdapterUse::off), reference_logits(config, base, batch, 0)) <= 1e-5);
  }
}

TEST_CASE("bottleneck adapters: checkpointing gives the same bits, a conversation the same logits") {
  const ModelConfig config = tiny_config();
  const ModelFolderOnDisk folder(random_weights_of(config, 5), DType::F32);
  const PackedBatch batch = random_batch(config, {20}, 11);
  DecoderOptions options = options_for(bottleneck("gelu"));
  const auto train = [&](Decoder& decoder) {
    decoder.load(folder.path());
    randomize(decoder);
    decoder.forward_backward(batch, 1, 0);
  };
  Decoder plain(config, options);
  train(plain);
  for (const auto& [level, checkpointing] : kCheckpointingLevels) {
    CAPTURE(level);
    options.checkpointing = checkpointing;
    Decoder again(config, options);
    train(again);
    for (size_t i = 0; i < plain.trainable().size(); ++i)
      CHECK(at::equal(plain.trainable()[i].grad, again.trainable()[i].grad));
  }
  const at::Tensor whole = plain.logits(batch, AdapterUse::on);
  const auto cache = plain.make_cache(20);
  plain.extend(std::span(batch.ids_N).subspan(0, 13), *cache, AdapterUse::on);
  CHECK(relative_error(plain.extend(std::span(batch.ids_N).subspan(13), *cache, AdapterUse::on), whole[19]) <= 1e-5);
}

TEST_CASE("layer freezing: the last layers get full fine-tuning's gradients, lower ones no activations") {
  for (const bool tied : {true, false}) {
    const ModelConfig config = tiny_config({.tied = tied});
    const ModelFolderOnDisk folder(random_weights_of(config, 5), DType::F32);
    const PackedBatch batch = random_batch(config, {19, 12}, 11);
    Decoder full(config, options_for(full_method()));
    full.load(folder.path());
    full.forward_backward(batch, 1, 0);
    std::map<std::string, at::Tensor> expected;
    for (const Parameter& p : full.trainable()) expected[p.name] = p.grad;
    int64_t smallest = full.memory_use().activations_bytes;
    for (const int64_t last : {2, 1}) {
      Decoder frozen(config, options_for({"freeze", {{"last_layers", last}}}));
      frozen.load(folder.path());
      frozen.forward_backward(batch, 1, 0);
      CHECK(frozen.trainable().size() == static_cast<size_t>(9 * last + 1));
      for (const Parameter& p : frozen.trainable()) {
        CAPTURE(p.name);
        CHECK(at::equal(p.grad, expected.at(p.name)));
      }
      CHECK(frozen.memory_use().activations_bytes < smallest);
      smallest = frozen.memory_use().activations_bytes;
    }
  }
}

TEST_CASE("layer freezing: the loss falls, and what is served is what was trained") {
  const ModelConfig config = tiny_config();
  const ModelFolderOnDisk folder(random_weights_of(config, 5), DType::F32);
  const PackedBatch batch = random_batch(config, {19, 12}, 11);
  const MethodSpec method{"freeze", {{"last_layers", 1}}};
  Decoder trained(config, options_for(method));
  trained.load(folder.path());
  const double before = trained.evaluate(batch).loss;
  for (int step = 0; step < 10; ++step) {
    trained.zero_grad();
    trained.forward_backward(batch, 1.0 / static_cast<double>(batch.n_targets()), 0);
    for (Parameter& p : trained.trainable()) p.master.sub_(p.grad, 0.05);
    trained.sync_weights();
  }
  CHECK(trained.evaluate(batch).loss < 0.9 * before);
  DecoderOptions options = options_for(method);
  options.purpose = Purpose::serve;
  Decoder served(config, options);
  served.load(folder.path(), {}, AdapterStart::stored);
  const std::vector<NamedTensor> from = trained.trained_tensors(), to = served.trained_tensors();
  REQUIRE(from.size() == to.size());
  for (size_t i = 0; i < from.size(); ++i) {
    CHECK(from[i].name == to[i].name);
    to[i].tensor.copy_(from[i].tensor);
  }
  served.bind_base();
  served.sync_weights();
  CHECK(at::equal(served.logits(batch, AdapterUse::on), trained.logits(batch, AdapterUse::on)));
}

}  // namespace collie::test
