// PEFT methods on linear layers against autograd: losses and all gradients, over packed documents; with dropout against
// differences of losses; and with activation checkpointing bit for bit.
#include <ATen/ATen.h>
#include <doctest/doctest.h>

#include <map>

#include "core/base/random.h"
#include "model_reference.h"
#include "peft_support.h"

namespace collie::test {
namespace {

double scale_of(const MethodSpec& method) {
  if (method.type == "adalora")
    return method.number("alpha") / (static_cast<double>(method.integer("init_rank")) + 1e-5);
  return method.has("alpha") ? method.lora_scale() : 0;
}

// What the decoder trains, with gradients; what else it keeps of the method, as it is.
Weights differentiable(const Weights& base, Decoder& decoder) {
  Weights w;
  for (const auto& [name, value] : base) w[name] = value.clone();
  for (const NamedTensor& t : decoder.trained_tensors()) w[t.name] = t.tensor.detach().clone();
  for (const Parameter& p : decoder.trainable()) w[p.name] = p.master.detach().clone().requires_grad_(true);
  return w;
}

struct Started {
  Started(const ModelConfig& config, const DecoderOptions& options, const ModelFolderOnDisk& folder)
      : decoder(config, options) {
    decoder.load(folder.path());
    disturb(decoder, 99);
    decoder.sync_weights();
  }
  Decoder decoder;
};

std::map<std::string, at::Tensor> gradients_of(Decoder& decoder) {
  std::map<std::string, at::Tensor> all;
  for (const Parameter& p : decoder.trainable()) all[p.name] = p.grad.clone();
  return all;
}

TEST_CASE("PEFT methods: losses and gradients equal autograd's") {
  for (const bool tied : {true, false}) {
    const ModelConfig config = tiny_config({.tied = tied, .window = tied ? 0 : 9});
    const Weights base = random_weights_of(config, 5);
    const ModelFolderOnDisk folder(base, DType::F32);
    const PackedBatch batch = random_batch(config, {17, 1, 30}, 11);
    for (const MethodCase& c : linear_methods()) {
      CAPTURE(c.name);
      const MethodSpec method = method_of(c.fields);
      Started started(config, training_options(method), folder);
      Weights w = differentiable(base, started.decoder);
      const at::Tensor loss = reference_loss(config, w, batch, scale_of(method));
      loss.backward();
      const LossSums sums = started.decoder.forward_backward(batch, 0.25, 1);
      CHECK(sums.loss == doctest::Approx(loss.item<double>()).epsilon(1e-5));
      CHECK(started.decoder.evaluate(batch).loss == doctest::Approx(loss.item<double>()).epsilon(1e-5));
      REQUIRE(!started.decoder.trainable().empty());
      for (const Parameter& p : started.decoder.trainable()) {
        CAPTURE(p.name);
        const at::Tensor expected = w.at(p.name).grad();
        REQUIRE(expected.defined());
        CHECK(expected.norm().item<double>() > 0);
        CHECK(relative_error(p.grad, 0.25 * expected) < 2e-4);
      }
    }
  }
}

TEST_CASE("PEFT methods: micro-batches accumulate") {
  const ModelConfig config = tiny_config();
  const ModelFolderOnDisk folder(random_weights_of(config, 5), DType::F32);
  const PackedBatch batch = random_batch(config, {17, 30}, 11);
  for (const MethodCase& c : linear_methods()) {
    CAPTURE(c.name);
    Started started(config, training_options(method_of(c.fields)), folder);
    started.decoder.forward_backward(batch, 0.5, 1);
    const auto whole = gradients_of(started.decoder);
    started.decoder.zero_grad();
    for (const size_t document : {0, 1}) started.decoder.forward_backward(document_of(batch, document), 0.5, 1);
    for (const auto& [name, gradient] : gradients_of(started.decoder)) {
      CAPTURE(name);
      CHECK(relative_error(gradient, whole.at(name)) < 1e-4);
    }
  }
}

TEST_CASE("PEFT methods: checkpointing gives the same bits, with dropout, in both precisions") {
  const ModelConfig config = tiny_config();
  const ModelFolderOnDisk folder(random_weights_of(config, 5), DType::F32);
  const PackedBatch batch = random_batch(config, {17, 30}, 11);
  for (const MethodCase& c : linear_methods())
    for (const Precision precision : {Precision::fp32, Precision::bf16}) {
      CAPTURE(c.name);
      nlohmann::json fields = c.fields;
      if (fields.contains("dropout")) fields["dropout"] = 0.3;
      DecoderOptions options = training_options(method_of(fields), precision);
      Started kept(config, options, folder);
      const double loss = kept.decoder.forward_backward(batch, 0.5, 3).loss;
      const auto expected = gradients_of(kept.decoder);
      for (const auto& [level, checkpointing] : kCheckpointingLevels) {
        CAPTURE(level);
        options.checkpointing = checkpointing;
        Started recomputed(config, options, folder);
        CHECK(recomputed.decoder.forward_backward(batch, 0.5, 3).loss == loss);
        for (const auto& [name, gradient] : gradients_of(recomputed.decoder)) {
          CAPTURE(name);
          CHECK(gradient.equal(expected.at(name)));
        }
      }
    }
}

// Directional derivatives: (loss(p + e d) - loss(p - e d)) / 2e = <gradient, d>, the masks being those of one key.
TEST_CASE("PEFT methods: gradients with dropout are those of the dropped-out loss") {
  const ModelConfig config = tiny_config();
  const ModelFolderOnDisk folder(random_weights_of(config, 5), DType::F32);
  const PackedBatch batch = random_batch(config, {17, 30}, 11);
  for (const MethodCase& c : linear_methods()) {
    if (!c.fields.contains("dropout")) continue;
    CAPTURE(c.name);
    nlohmann::json fields = c.fields;
    fields["dropout"] = 0.4;
    Started started(config, training_options(method_of(fields)), folder);
    Decoder& decoder = started.decoder;
    decoder.forward_backward(batch, 1, 3);
    const auto gradients = gradients_of(decoder);
    Random random(4);
    double expected = 0;
    std::map<std::string, at::Tensor> direction;
    for (const auto& [name, gradient] : gradients) {
      const at::Tensor d = at::empty_like(gradient);
      for (int64_t i = 0; i < d.numel(); ++i) d.data_ptr<float>()[i] = static_cast<float>(random.uniform() - 0.5);
      // Along the gradient too, or the terms of a random direction cancel.
      direction[name] = d / d.norm() + gradient / gradient.norm();
      expected += (gradient * direction[name]).sum().item<double>();
    }
    const auto loss_at = [&](double step) {
      for (Parameter& p : decoder.trainable()) p.master.add_(direction.at(p.name), step);
      decoder.sync_weights();
      return decoder.forward_backward(batch, 1, 3).loss;
    };
    constexpr double kStep = 1e-3;
    const double up = loss_at(kStep), down = loss_at(-2 * kStep);
    CHECK((up - down) / (2 * kStep) == doctest::Approx(expected).epsilon(0.01));
    CHECK(decoder.evaluate(batch).loss != doctest::Approx(down).epsilon(1e-6));
  }
}

TEST_CASE("LoRA+ and rank-stabilized scaling change what they name") {
  nlohmann::json fields = linear_methods()[0].fields;
  fields["lr_ratio"] = 16;
  const ModelConfig config = tiny_config();
  Decoder lora(config, training_options(method_of(fields)));
  // The groups of PEFT's create_loraplus_optimizer: B at the multiple of the rate, A at the rate.
  for (const Parameter& p : lora.trainable())
    CHECK(p.lr_scale == (p.name.find("lora_B") != std::string::npos ? 16 : 1));
  fields["scaling"] = "rank_stabilized";
  CHECK(method_of(fields).lora_scale() == doctest::Approx(6 / std::sqrt(3.0)));
  fields["scaling"] = "standard";
  CHECK(method_of(fields).lora_scale() == doctest::Approx(2));
  nlohmann::json dora = linear_methods()[4].fields;
  dora["lr_ratio"] = 4;
  Decoder decoder(config, training_options(method_of(dora)));
  for (const Parameter& p : decoder.trainable())
    CHECK(p.lr_scale == (p.name.find("lora_A") != std::string::npos ? 1 : 4));
}

TEST_CASE("only what patterns name is adapted") {
  const ModelConfig config = tiny_config();
  const auto trained_by = [&](const nlohmann::json& fields) {
    std::vector<std::string> names;
    Decoder decoder(config, training_options(method_of(fields)));
    for (const Parameter& p : decoder.trainable()) names.push_back(p.name);
    return names;
  };
  nlohmann::json fields = linear_methods()[1].fields;
  CHECK(trained_by(fields) == std::vector<std::string>{"model.layers.1.self_attn.q_proj.lora_A.weight",
                                                       "model.layers.1.self_attn.q_proj.lora_B.weight"});
  nlohmann::json ia3 = {{"type", "ia3"},
                        {"target_modules", {"layers.2.*.k_proj", "layers.0.mlp.down_proj"}},
                        {"feedforward_modules", {"down_proj"}},
                        {"modules_to_save", {"norm"}},
                        {"init_adapter", nullptr}};
  CHECK(trained_by(ia3) == std::vector<std::string>{"model.layers.0.mlp.down_proj.ia3_l",
                                                    "model.layers.2.self_attn.k_proj.ia3_l", "model.norm.weight"});
}

}  // namespace
}  // namespace collie::test
