// 4-bit base weights against bitsandbytes (fixtures of tests/parity/make_prompt_fixtures.py) and against the same decoder with the
// dequantized weights.
#include <ATen/ATen.h>
#include <doctest/doctest.h>

#include "../fixtures.h"
#include "core/formats/nf4.h"
#include "core/base/random.h"
#include "core/formats/safetensors.h"
#include "engine/kernels/kernels.h"
#include "engine/quantization/nf4.h"
#include "model_reference.h"

namespace collie::test {
namespace {

const std::filesystem::path kFixtures = fixtures();

at::Tensor tensor_of(const TensorView& view) {
  const at::ScalarType type = view.dtype == DType::I32    ? at::kInt
                              : view.dtype == DType::U8   ? at::kByte
                              : view.dtype == DType::BF16 ? at::kBFloat16
                                                          : at::kFloat;
  return at::from_blob(const_cast<std::byte*>(view.bytes.data()), view.shape, type).clone();
}

const std::vector<std::string> kTargets = {"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"};

DecoderOptions options_for(Quantization quantization) {
  DecoderOptions o;
  o.precision = Precision::fp32;
  o.purpose = Purpose::train;
  o.capacity_tokens = 64;
  o.max_document = 40;
  o.method = lora_method(3, 6, 0, kTargets);
  o.quantization = quantization;
  return o;
}

void randomize(Decoder& decoder) {
  Random random(3);
  for (const NamedTensor& t : decoder.trained_tensors())
    for (int64_t i = 0; i < t.tensor.numel(); ++i)
      t.tensor.view({-1}).data_ptr<float>()[i] = static_cast<float>(random.uniform() - 0.5) * 0.4f;
  decoder.sync_weights();
}

}  // namespace

TEST_CASE("NF4: the bits of bitsandbytes") {
  const SafetensorsFile reference(kFixtures / "prompt" / "nf4.safetensors");
  const auto value = [&](const std::string& key) { return tensor_of(reference.at(key)); };
  const at::Tensor map = value("map");
  for (int64_t i = 0; i < 256; ++i) CHECK(nf4::scale_map()[static_cast<size_t>(i)] == map[i].item<float>());
  const auto kernels = make_kernels(at::kCPU);
  for (const std::string name : {"whole", "ragged", "zeros", "bf16"}) {
    CAPTURE(name);
    const at::Tensor weight = value(name + ".weight");
    const Nf4Matrix w = quantize_nf4(weight, at::kCPU);
    CHECK(at::equal(w.codes, value(name + ".codes")));
    // Its CPU library does not always find the nearest entry of the map where two are about as near; ours does.
    const at::Tensor ties = w.magnitudes.ne(value(name + ".magnitudes"));
    CHECK(ties.sum().item<int64_t>() <= 1);
    CHECK(at::equal(w.scales, value(name + ".scales")));
    CHECK(w.offset == doctest::Approx(value(name + ".offset").item<float>()).epsilon(1e-7));
    const at::Tensor wide = at::full({weight.size(0), weight.size(1) + 3}, 7.0f, weight.options());
    kernels->dequantize_nf4(w, wide.narrow(1, 0, weight.size(1)));
    const at::Tensor difference =
        wide.narrow(1, 0, weight.size(1)).to(at::kFloat) - value(name + ".values").to(at::kFloat);
    const at::Tensor same = ties.logical_not().repeat_interleave(64).narrow(0, 0, weight.numel()).view(weight.sizes());
    CHECK((difference.abs() * same).max().item<float>() <= (name == "bf16" ? 1e-3 : 1e-6));
    CHECK(difference.abs().max().item<float>() <= 1e-3);  // neighbours of the map
    CHECK(wide.narrow(1, weight.size(1), 3).eq(7).all().item<bool>());
    const int64_t held = static_cast<int64_t>(w.codes.nbytes() + w.magnitudes.nbytes() + w.scales.nbytes()) + 4;
    CHECK(held == nf4::bytes_of(weight.numel(), weight.numel()));
  }
}

TEST_CASE("NF4: logits of a model that bitsandbytes quantized") {
  const std::filesystem::path folder = kFixtures / "parity" / "llama-gqa-tied";
  const SafetensorsFile reference(kFixtures / "prompt" / "nf4.safetensors");
  Decoder decoder(ModelConfig::load(folder), options_for(Quantization::nf4));
  decoder.load(folder);
  PackedBatch batch;
  const at::Tensor ids = tensor_of(reference.at("ids"));
  for (int32_t i = 0; i < ids.numel(); ++i) {
    batch.ids_N.push_back(ids[i].item<int32_t>());
    batch.positions_N.push_back(i);
    batch.targets_N.push_back(-1);
  }
  batch.doc_offsets = {0, static_cast<int32_t>(ids.numel())};
  for (const AdapterUse use : {AdapterUse::off, AdapterUse::on}) {  // B is zero
    const at::Tensor difference = decoder.logits(batch, use) - tensor_of(reference.at("logits"));
    CHECK(difference.abs().max().item<float>() <= 1e-4);
  }
}

TEST_CASE("NF4: training is training over the dequantized weights") {
  for (const auto& [level, checkpointing] : kCheckpointingLevels) {
    CAPTURE(level);
    const ModelConfig config = tiny_config();
    const Weights base = random_weights_of(config, 5);
    Weights rounded = base;
    const auto kernels = make_kernels(at::kCPU);
    for (auto& [name, weight] : rounded) {
      if (name.find("_proj") == std::string::npos) continue;
      const at::Tensor out = at::empty_like(weight);
      kernels->dequantize_nf4(quantize_nf4(weight, at::kCPU), out);
      weight = out;
    }
    const ModelFolderOnDisk folder(base, DType::F32), rounded_folder(rounded, DType::F32);
    DecoderOptions options = options_for(Quantization::nf4);
    options.checkpointing = checkpointing;
    Decoder quantized(config, options);
    quantized.load(folder.path());
    options.quantization = Quantization::none;
    Decoder plain(config, options);
    plain.load(rounded_folder.path());
    randomize(quantized);
    randomize(plain);
    const PackedBatch batch = random_batch(config, {19, 12}, 11);
    for (int step = 0; step < 3; ++step) {
      CHECK(quantized.forward_backward(batch, 1, 0).loss == plain.forward_backward(batch, 1, 0).loss);
      for (size_t i = 0; i < plain.trainable().size(); ++i) {
        const Parameter &q = quantized.trainable()[i], &p = plain.trainable()[i];
        CAPTURE(p.name);
        CHECK(at::equal(q.grad, p.grad));
        q.master.sub_(q.grad, 1e-3);
        p.master.sub_(p.grad, 1e-3);
      }
      quantized.sync_weights();
      plain.sync_weights();
    }
    CHECK(quantized.memory_use().weights_bytes < plain.memory_use().weights_bytes);
    const at::Tensor whole = quantized.logits(document_of(batch, 0), AdapterUse::on);
    const auto cache = quantized.make_cache(19);
    CHECK(relative_error(quantized.extend(document_of(batch, 0).ids_N, *cache, AdapterUse::on), whole[18]) <= 1e-5);
  }
}

}  // namespace collie::test
