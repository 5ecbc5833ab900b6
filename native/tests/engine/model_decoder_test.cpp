// The decoder against autograd: losses, all gradients, and the equalities that packing, accumulation, checkpointing and the
// key-value cache promise.
#include <ATen/ATen.h>
#include <doctest/doctest.h>

#include "core/base/error.h"
#include "core/base/random.h"
#include "model_reference.h"

namespace collie::test {
namespace {

const std::vector<std::string> kAllTargets = {"q_proj",    "k_proj",  "v_proj",   "o_proj",
                                              "gate_proj", "up_proj", "down_proj"};

enum class Train { nothing, lora, full };

DecoderOptions options_for(Train what, Precision precision = Precision::fp32) {
  DecoderOptions o;
  o.precision = precision;
  o.purpose = what == Train::nothing ? Purpose::serve : Purpose::train;
  o.capacity_tokens = 64;
  o.max_document = 48;
  o.seed = 7;
  if (what == Train::lora) o.method = lora_method(3, 6, 0, kAllTargets);
  if (what == Train::full) o.method = full_method();
  return o;
}

// B starts at zero, which would hide errors in A's gradient.
void randomize_adapter(Decoder& decoder) {
  Random random(99);
  for (const NamedTensor& t : decoder.trained_tensors()) {
    if (t.name.find("lora") == std::string::npos) continue;
    at::Tensor values = at::empty(t.tensor.sizes());
    for (int64_t i = 0; i < values.numel(); ++i)
      values.data_ptr<float>()[i] = static_cast<float>(random.uniform() - 0.5) * 0.4f;
    t.tensor.copy_(values);
  }
  decoder.sync_weights();
}

// Reference weights with gradients on what the decoder trains.
Weights differentiable(const Weights& base, Decoder& decoder) {
  Weights w;
  for (const auto& [name, value] : base) w[name] = value.clone();
  for (const Parameter& p : decoder.trainable()) w[p.name] = p.master.detach().clone().requires_grad_(true);
  return w;
}

void check_gradients(const ModelConfig& config, const DecoderOptions& options, const std::vector<int64_t>& lengths) {
  const Weights base = random_weights_of(config, 5);
  const ModelFolderOnDisk folder(base, DType::F32);
  Decoder decoder(config, options);
  decoder.load(folder.path());
  randomize_adapter(decoder);
  const PackedBatch batch = random_batch(config, lengths, 11);
  const double scale = options.method->type == "lora" ? options.method->lora_scale() : 0;

  Weights w = differentiable(base, decoder);
  const at::Tensor loss = reference_loss(config, w, batch, scale);
  (loss * 0.5).backward();

  const LossSums sums = decoder.forward_backward(batch, 0.5, 1);
  CHECK(sums.targets == batch.n_targets());
  CHECK(sums.loss == doctest::Approx(loss.item<double>()).epsilon(1e-5));
  REQUIRE(!decoder.trainable().empty());
  for (const Parameter& p : decoder.trainable()) {
    CAPTURE(p.name);
    REQUIRE(w.at(p.name).grad().defined());
    CHECK(relative_error(p.grad, w.at(p.name).grad()) < 1e-4);
  }
}

TEST_CASE("gradients equal autograd: LoRA and full, tied and untied, windows, rotary scalings") {
  for (const Train mode : {Train::lora, Train::full})
    for (const bool tied : {true, false}) {
      check_gradients(tiny_config({.tied = tied}), options_for(mode), {17, 1, 30, 2});
      check_gradients(tiny_config({.tied = tied, .window = 5}), options_for(mode), {40, 9});
    }
  check_gradients(tiny_config({.scaling = RopeScaling::llama3}), options_for(Train::lora), {48});
  check_gradients(tiny_config({.scaling = RopeScaling::linear, .head_dim = 64}), options_for(Train::full), {48});
}

TEST_CASE("gradients equal autograd for every single target module") {
  for (const std::string& target : kAllTargets) {
    CAPTURE(target);
    DecoderOptions options = options_for(Train::lora);
    options.method->fields["target_modules"] = {target};
    check_gradients(tiny_config(), options, {12, 7});
  }
}

struct Trained {
  std::vector<at::Tensor> grads;
  double loss = 0;
};

Trained run(const ModelConfig& config, const DecoderOptions& options, const std::vector<PackedBatch>& batches) {
  Decoder decoder(config, options);
  decoder.randomize(3);
  randomize_adapter(decoder);
  Trained result;
  for (size_t i = 0; i < batches.size(); ++i) result.loss += decoder.forward_backward(batches[i], 0.1, i + 1).loss;
  for (const Parameter& p : decoder.trainable()) result.grads.push_back(p.grad.clone());
  return result;
}

TEST_CASE("activation checkpointing changes no bit") {
  const ModelConfig config = tiny_config({.window = 9});
  for (const Precision precision : {Precision::fp32, Precision::bf16})
    for (const Train mode : {Train::lora, Train::full})
      for (const double dropout : {0.0, 0.3}) {
        DecoderOptions options = options_for(mode, precision);
        if (mode == Train::lora) options.method->fields["dropout"] = dropout;
        const std::vector<PackedBatch> batches = {random_batch(config, {20, 31}, 1), random_batch(config, {5}, 2)};
        const Trained off = run(config, options, batches);
        const Trained again = run(config, options, batches);
        CHECK(off.loss == again.loss);
        for (size_t i = 0; i < off.grads.size(); ++i) CHECK(at::equal(off.grads[i], again.grads[i]));
        for (const auto& [level, checkpointing] : kCheckpointingLevels) {
          CAPTURE(level);
          options.checkpointing = checkpointing;
          const Trained on = run(config, options, batches);
          CHECK(off.loss == on.loss);
          for (size_t i = 0; i < off.grads.size(); ++i) CHECK(at::equal(off.grads[i], on.grads[i]));
        }
      }
}

TEST_CASE("packed documents equal documents one by one, and micro-batches accumulate") {
  const ModelConfig config = tiny_config();
  const PackedBatch packed = random_batch(config, {8, 8, 8, 8, 8, 8, 8, 8}, 4);
  std::vector<PackedBatch> single;
  for (size_t d = 0; d < 8; ++d) single.push_back(document_of(packed, d));
  for (const Train mode : {Train::lora, Train::full}) {
    const Trained once = run(config, options_for(mode), {packed});
    const Trained eight = run(config, options_for(mode), single);
    CHECK(once.loss == doctest::Approx(eight.loss).epsilon(1e-6));
    for (size_t i = 0; i < once.grads.size(); ++i) CHECK(relative_error(once.grads[i], eight.grads[i]) < 1e-5);
  }
}

TEST_CASE("bf16 stays close to fp32") {
  const ModelConfig config = tiny_config();
  for (const Train mode : {Train::lora, Train::full}) {
    const std::vector<PackedBatch> batches = {random_batch(config, {33, 20}, 8)};
    const Trained exact = run(config, options_for(mode), batches),
                  rounded = run(config, options_for(mode, Precision::bf16), batches);
    CHECK(rounded.loss == doctest::Approx(exact.loss).epsilon(0.01));
    double worst = 0;
    for (size_t i = 0; i < exact.grads.size(); ++i)
      worst = std::max(worst, relative_error(rounded.grads[i], exact.grads[i]));
    CHECK(worst < 0.1);
    CHECK(worst > 0);
  }
}

TEST_CASE("dropout: masks belong to the key, and the gradient is that of the masked loss") {
  const ModelConfig config = tiny_config();
  DecoderOptions options = options_for(Train::lora);
  options.method->fields["dropout"] = 0.4;
  Decoder decoder(config, options);
  decoder.randomize(3);
  randomize_adapter(decoder);
  const PackedBatch batch = random_batch(config, {40}, 6);
  const double loss = decoder.forward_backward(batch, 1, 5).loss;
  CHECK(decoder.forward_backward(batch, 1, 5).loss == loss);
  CHECK(decoder.forward_backward(batch, 1, 6).loss != loss);
  CHECK(decoder.evaluate(batch).loss == decoder.evaluate(batch).loss);

  decoder.zero_grad();
  decoder.forward_backward(batch, 1, 5);
  double slope = 0;
  std::vector<at::Tensor> directions;
  for (const Parameter& p : decoder.trainable()) {
    directions.push_back(p.grad / p.grad.norm());
    slope += (p.grad * directions.back()).sum().item<double>();
  }
  const double h = 2e-3;
  const auto loss_at = [&](double step) {
    for (size_t i = 0; i < directions.size(); ++i) decoder.trainable()[i].master.add_(directions[i], step);
    decoder.sync_weights();
    const double value = decoder.forward_backward(batch, 1, 5).loss;
    for (size_t i = 0; i < directions.size(); ++i) decoder.trainable()[i].master.sub_(directions[i], step);
    return value;
  };
  CHECK((loss_at(h) - loss_at(-h)) / (2 * h) == doctest::Approx(slope).epsilon(0.02));
}

TEST_CASE("a conversation gives the logits of the whole text") {
  for (const Precision precision : {Precision::fp32, Precision::bf16}) {
    const ModelConfig config = tiny_config({.tied = false, .window = 11});
    DecoderOptions options = options_for(Train::nothing, precision);
    options.method = lora_method(4, 8, 0, kAllTargets);
    options.capacity_tokens = 10;  // the prompt takes several chunks
    options.max_document = 10;
    Decoder decoder(config, options);
    decoder.randomize(21);
    randomize_adapter(decoder);
    options.capacity_tokens = options.max_document = 40;
    Decoder whole(config, options);
    whole.randomize(21);
    randomize_adapter(whole);
    const PackedBatch batch = random_batch(config, {34}, 3);
    const double bound = precision == Precision::fp32 ? 1e-5 : 0.03;
    for (const AdapterUse use : {AdapterUse::on, AdapterUse::off}) {
      const at::Tensor expected = whole.logits(batch, use);
      const auto cache = decoder.make_cache(40);
      const std::span<const int32_t> ids(batch.ids_N);
      CHECK(relative_error(decoder.extend(ids.first(25), *cache, use), expected[24]) < bound);
      CHECK(relative_error(decoder.extend(ids.subspan(25, 1), *cache, use), expected[25]) < bound);
      CHECK(relative_error(decoder.extend(ids.subspan(26, 1), *cache, use), expected[26]) < bound);
      decoder.truncate(*cache, 20);
      CHECK(relative_error(decoder.extend(ids.subspan(20), *cache, use), expected[33]) < bound);
    }
    CHECK(relative_error(whole.logits(batch, AdapterUse::on), whole.logits(batch, AdapterUse::off)) > 1e-3);
  }
}

TEST_CASE("evaluate counts right answers and leaves gradients alone") {
  const ModelConfig config = tiny_config();
  Decoder decoder(config, options_for(Train::lora));
  decoder.randomize(3);
  const PackedBatch batch = random_batch(config, {40, 20}, 6);
  const LossSums sums = decoder.evaluate(batch);
  const at::Tensor best = decoder.logits(batch, AdapterUse::on).argmax(1);
  int64_t correct = 0;
  for (int64_t i = 0; i < batch.n_tokens(); ++i) {
    const int32_t target = batch.targets_N[static_cast<size_t>(i)];
    correct += target >= 0 && best[i].item<int64_t>() == target;
  }
  CHECK(sums.correct == correct);
  CHECK(sums.targets == batch.n_targets());
  for (const Parameter& p : decoder.trainable()) CHECK(p.grad.abs().max().item<float>() == 0);
}

TEST_CASE("weights load from every dtype; what does not fit is named") {
  const ModelConfig config = tiny_config({.tied = false});
  Weights weights = random_weights_of(config, 5);
  const PackedBatch batch = random_batch(config, {20}, 6);
  const auto logits_from = [&](const Weights& w, DType dtype) {
    const ModelFolderOnDisk folder(w, dtype);
    Decoder decoder(config, options_for(Train::nothing));
    decoder.load(folder.path());
    return decoder.logits(batch, AdapterUse::off);
  };
  const at::Tensor exact = logits_from(weights, DType::F32);
  CHECK(relative_error(exact, reference_logits(config, weights, batch, 0)) < 1e-5);
  CHECK(relative_error(logits_from(weights, DType::F16), exact) < 0.01);
  CHECK(relative_error(logits_from(weights, DType::BF16), exact) < 0.05);

  const auto code_of = [&](const Weights& w) -> std::string {
    try {
      logits_from(w, DType::F32);
    } catch (const Error& e) {
      return e.code();
    }
    return "";
  };
  Weights broken = weights;
  broken["model.layers.1.mlp.up_proj.weight"] = at::zeros({3, 3});
  CHECK(code_of(broken) == "model.bad_tensor");
  broken.erase("model.layers.1.mlp.up_proj.weight");
  CHECK(code_of(broken) == "model.missing_tensor");
}

}  // namespace
}  // namespace collie::test
