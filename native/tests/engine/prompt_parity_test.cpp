// Methods with virtual tokens against PEFT: 20 steps from the same start, and adapters that PEFT saved. The references were made
// by tests/parity/make_prompt_fixtures.py.
#include <ATen/ATen.h>
#include <doctest/doctest.h>

#include <cmath>

#include "../fixtures.h"
#include "core/formats/safetensors.h"
#include "model_reference.h"

namespace collie::test {
namespace {

const std::filesystem::path kFixtures = fixtures();
constexpr int64_t kSlots = 6;

at::Tensor tensor_of(const TensorView& view) {
  return at::from_blob(const_cast<std::byte*>(view.bytes.data()), view.shape,
                       view.dtype == DType::I32 ? at::kInt : at::kFloat)
      .clone();
}

PackedBatch one_document(const at::Tensor& ids, const at::Tensor& labels) {
  PackedBatch b;
  for (int32_t i = 0; i < ids.numel(); ++i) {
    b.ids_N.push_back(ids[i].item<int32_t>());
    b.positions_N.push_back(i);
    b.targets_N.push_back(i + 1 < ids.numel() && labels[i + 1].item<int32_t>() >= 0 ? labels[i + 1].item<int32_t>()
                                                                                    : -1);
  }
  b.doc_offsets = {0, static_cast<int32_t>(ids.numel())};
  return b;
}

std::vector<MethodSpec> peft_methods() {
  return {{"prompt_tuning", {{"virtual_tokens", kSlots}, {"init_text", ""}}},
          {"prefix_tuning", {{"virtual_tokens", kSlots}, {"init_text", ""}}},
          {"p_tuning", {{"virtual_tokens", kSlots}, {"encoder_hidden_size", 24}}}};
}

Decoder make_decoder(const MethodSpec& method, Purpose purpose) {
  DecoderOptions o;
  o.precision = Precision::fp32;
  o.purpose = purpose;
  o.method = method;
  o.capacity_tokens = o.max_document = 32 + kSlots;
  return Decoder(ModelConfig::load(kFixtures / "parity" / "llama-gqa-tied"), o);
}

}  // namespace

TEST_CASE("parity with PEFT: 20 steps of each method with virtual tokens, and the logits after them") {
  for (const MethodSpec& method : peft_methods()) {
    CAPTURE(method.type);
    const SafetensorsFile reference(kFixtures / "prompt" / (method.type + ".safetensors"));
    const auto value = [&](const std::string& key) { return tensor_of(reference.at(key)); };
    Decoder decoder = make_decoder(method, Purpose::train);
    decoder.load(kFixtures / "parity" / "llama-gqa-tied");
    std::vector<std::pair<at::Tensor, at::Tensor>> moments;
    for (const Parameter& p : decoder.trainable()) {
      p.master.copy_(value("start." + p.name));
      moments.emplace_back(at::zeros_like(p.master), at::zeros_like(p.master));
    }
    decoder.sync_weights();
    const at::Tensor documents = value("documents"), labels = value("labels"), losses = value("losses");
    for (int64_t step = 0; step < losses.size(0); ++step) {
      std::vector<PackedBatch> batches;
      int64_t targets = 0;
      for (int64_t i = 0; i < 2; ++i) {
        const int64_t row = (2 * step + i) % documents.size(0);
        batches.push_back(one_document(documents[row], labels[row]));
        targets += batches.back().n_targets();
      }
      decoder.zero_grad();
      double loss = 0;
      for (const PackedBatch& batch : batches)
        loss += decoder.forward_backward(batch, 1.0 / static_cast<double>(targets), 0).loss;
      CAPTURE(step);
      CHECK(std::abs(loss / static_cast<double>(targets) - losses[step].item<float>()) <= 1e-3);
      for (size_t i = 0; i < moments.size(); ++i) {
        const Parameter& p = decoder.trainable()[i];
        const auto& [m, v] = moments[i];
        m.mul_(0.9).add_(p.grad, 0.1);
        v.mul_(0.999).addcmul_(p.grad, p.grad, 0.001);
        const double t = static_cast<double>(step + 1), rate = value("rate").item<float>() / (1 - std::pow(0.9, t));
        p.master.addcdiv_(m, v.sqrt().div(std::sqrt(1 - std::pow(0.999, t))).add(1e-8), -rate);
      }
      decoder.sync_weights();
    }
    CHECK(losses[losses.size(0) - 1].item<float>() < losses[0].item<float>() - 0.05);
    const at::Tensor ids = value("ids");
    const at::Tensor logits = decoder.logits(one_document(ids, at::full_like(ids, -100)), AdapterUse::on);
    CHECK((logits - value("logits")).abs().max().item<float>() <= 1e-2);
  }
}

TEST_CASE("parity with PEFT: the vectors that it saved give its logits") {
  for (const MethodSpec& method : peft_methods()) {
    CAPTURE(method.type);
    const SafetensorsFile reference(kFixtures / "prompt" / (method.type + ".safetensors"));
    const SafetensorsFile saved(kFixtures / "prompt" / method.type / "adapter_model.safetensors");
    // PEFT saves the outputs of an encoder: they are a prompt.
    Decoder decoder = make_decoder(method.type == "p_tuning" ? peft_methods()[0] : method, Purpose::serve);
    decoder.load(kFixtures / "parity" / "llama-gqa-tied", {}, AdapterStart::stored);
    const std::vector<NamedTensor> trained = decoder.trained_tensors();
    REQUIRE(trained.size() == 1);
    trained[0].tensor.copy_(tensor_of(saved.at("prompt_embeddings", trained[0].tensor.sizes().vec())));
    decoder.bind_base();
    decoder.sync_weights();
    const at::Tensor ids = tensor_of(reference.at("ids"));
    const at::Tensor logits = decoder.logits(one_document(ids, at::full_like(ids, -100)), AdapterUse::on);
    CHECK((logits - tensor_of(reference.at("logits"))).abs().max().item<float>() <= 1e-4);
  }
}

}  // namespace collie::test
