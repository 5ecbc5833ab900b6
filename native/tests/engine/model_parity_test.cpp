// Parity with Hugging Face transformers and PEFT, in fp32: logits, gradients and 20 steps of LoRA on tiny random models.
// tests/parity/make_fixtures.py made the references.
#include <ATen/ATen.h>
#include <doctest/doctest.h>

#include "../fixtures.h"
#include "core/formats/safetensors.h"
#include "engine/optim/optimizer.h"
#include "engine/kernels/kernels.h"
#include "model_reference.h"

namespace collie::test {
namespace {

const std::filesystem::path kFixtures = fixtures() / "parity";
const std::vector<std::string> kModels = {"llama-gqa-tied", "llama3-untied", "mistral-window"};

at::Tensor tensor_of(const TensorView& view) {
  const at::ScalarType type = view.dtype == DType::I32 ? at::kInt : at::kFloat;
  return at::from_blob(const_cast<std::byte*>(view.bytes.data()), view.shape, type).clone();
}

std::vector<int32_t> ints(const at::Tensor& t) {
  return {t.const_data_ptr<int32_t>(), t.const_data_ptr<int32_t>() + t.numel()};
}

// Labels as in transformers: the label of a token is predicted one position earlier, -100 is not counted.
PackedBatch one_document(const std::vector<int32_t>& ids, const std::vector<int32_t>& labels) {
  PackedBatch b;
  b.ids_N = ids;
  for (size_t i = 0; i < ids.size(); ++i) {
    b.positions_N.push_back(static_cast<int32_t>(i));
    b.targets_N.push_back(i + 1 < ids.size() && labels[i + 1] >= 0 ? labels[i + 1] : -1);
  }
  b.doc_offsets = {0, static_cast<int32_t>(ids.size())};
  return b;
}

DecoderOptions options_for(const MethodSpec& method) {
  DecoderOptions o;
  o.precision = Precision::fp32;
  o.purpose = Purpose::train;
  o.method = method;
  o.capacity_tokens = o.max_document = 32;
  return o;
}

TEST_CASE("parity with transformers: logits, loss and gradients") {
  for (const std::string& name : kModels) {
    CAPTURE(name);
    const SafetensorsFile reference(kFixtures / name / "reference.safetensors");
    const auto value = [&](const std::string& key) { return tensor_of(reference.at(key)); };
    Decoder decoder(ModelConfig::load(kFixtures / name), options_for(full_method()));
    decoder.load(kFixtures / name);
    const PackedBatch batch = one_document(ints(value("ids")), ints(value("labels")));
    CHECK((decoder.logits(batch, AdapterUse::off) - value("logits")).abs().max().item<float>() <= 1e-4);
    CHECK(decoder.forward_backward(batch, 1, 0).loss == doctest::Approx(value("loss").item<float>()).epsilon(1e-5));
    REQUIRE(!decoder.trainable().empty());
    for (const Parameter& p : decoder.trainable()) {
      CAPTURE(p.name);
      const double norm = value("grad_norm." + p.name).item<float>();
      CHECK(p.grad.norm().item<float>() == doctest::Approx(norm).epsilon(1e-3));
      const at::Tensor rows = value("grad_rows." + p.name);
      CHECK(relative_error(p.grad.narrow(0, 0, rows.size(0)), rows) <= 1e-3);
    }
  }
}

TEST_CASE("parity with PEFT: 20 steps of LoRA with AdamW") {
  for (const std::string& name : kModels) {
    CAPTURE(name);
    const SafetensorsFile reference(kFixtures / name / "lora.safetensors");
    const DecoderOptions options = options_for(
        lora_method(4, 8, 0, {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"}));
    Decoder decoder(ModelConfig::load(kFixtures / name), options);
    decoder.load(kFixtures / name);
    for (const Parameter& p : decoder.trainable()) p.master.copy_(tensor_of(reference.at("start." + p.name)));
    decoder.sync_weights();
    const auto kernels = make_kernels(at::kCPU);
    const OptimizerSpec adamw{"adamw", 5e-3, {{"beta1", 0.9}, {"beta2", 0.999}, {"eps", 1e-8}, {"weight_decay", 0.01}}};
    const auto optimizer = make_optimizer(adamw, decoder.trainable(), *kernels);
    const at::Tensor documents = tensor_of(reference.at("documents")), labels = tensor_of(reference.at("labels"));
    const at::Tensor losses = tensor_of(reference.at("losses"));
    for (int64_t step = 0; step < losses.size(0); ++step) {
      std::vector<PackedBatch> batches;
      int64_t targets = 0;
      for (int64_t i = 0; i < 2; ++i) {
        const int64_t row = (2 * step + i) % documents.size(0);
        batches.push_back(one_document(ints(documents[row]), ints(labels[row])));
        targets += batches.back().n_targets();
      }
      decoder.zero_grad();
      double loss = 0;
      for (const PackedBatch& batch : batches)
        loss += decoder.forward_backward(batch, 1.0 / static_cast<double>(targets), 0).loss;
      CAPTURE(step);
      CHECK(std::abs(loss / static_cast<double>(targets) - losses[step].item<float>()) <= 1e-3);
      optimizer->step(decoder.trainable(), {step + 1, adamw.learning_rate});
      decoder.sync_weights();
    }
    CHECK(losses[losses.size(0) - 1].item<float>() < losses[0].item<float>() - 0.5);
  }
}

}  // namespace
}  // namespace collie::test
