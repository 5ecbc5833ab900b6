#include "pair.h"

#include <ATen/ATen.h>
#include <doctest/doctest.h>

#include <cmath>

#include "core/base/random.h"

namespace collie::test {
namespace {

std::unique_ptr<Decoder> decoder_on_cpu(const ModelConfig& config, const DecoderOptions& options) {
  const OnCpu cpu;
  return std::make_unique<Decoder>(config, options);
}

std::unique_ptr<Decoder> decoder_on_device(const ModelConfig& config, DecoderOptions options) {
  options.device = device_under_test();
  return std::make_unique<Decoder>(config, options);
}

}  // namespace

Pair::Pair(const ModelConfig& config, const DecoderOptions& options, uint64_t seed)
    : folder(random_weights_of(config, seed), DType::F32),
      cpu(decoder_on_cpu(config, options)),
      device(decoder_on_device(config, options)) {
  cpu->load(folder.path());
  device->load(folder.path());
}

void Pair::disturb(uint64_t seed) {
  Random random(seed);
  const std::vector<NamedTensor> a = cpu->trained_tensors(), b = device->trained_tensors();
  REQUIRE(a.size() == b.size());
  for (size_t i = 0; i < a.size(); ++i) {
    REQUIRE(a[i].name == b[i].name);
    const at::Tensor noise = at::empty(a[i].tensor.sizes(), at::kFloat);
    for (int64_t k = 0; k < noise.numel(); ++k)
      noise.data_ptr<float>()[k] = static_cast<float>(random.uniform() - 0.5) * 0.2f;
    at::Tensor(a[i].tensor).add_(noise);
    at::Tensor(b[i].tensor).copy_(a[i].tensor);
  }
  for (Decoder* decoder : {cpu.get(), device.get()}) {
    decoder->bind_base();
    decoder->sync_weights();
  }
}

at::Tensor on_host(const at::Tensor& t) { return t.to(at::kCPU).to(at::kFloat, /*non_blocking=*/false, /*copy=*/true); }

double gradient_error(Decoder& a, Decoder& b) {
  REQUIRE(a.trainable().size() == b.trainable().size());
  double difference = 0, size = 0;
  for (size_t i = 0; i < a.trainable().size(); ++i) {
    const at::Tensor x = on_host(a.trainable()[i].grad), y = on_host(b.trainable()[i].grad);
    difference += at::sub(x, y).to(at::kDouble).square().sum().item<double>();
    size += y.to(at::kDouble).square().sum().item<double>();
  }
  return std::sqrt(difference / size);
}

void check_step(const ModelConfig& config, const DecoderOptions& options, const std::vector<int64_t>& lengths,
                double slack) {
  Pair pair(config, options);
  pair.disturb(3);
  const PackedBatch batch = random_batch(config, lengths, 11);
  const double loss_bound = options.precision == Precision::fp32 ? 1e-5 : 5e-3;
  for (Decoder* d : {pair.cpu.get(), pair.device.get()}) d->zero_grad();
  const LossSums expected = pair.cpu->forward_backward(batch, 0.5, 1),
                 got = pair.device->forward_backward(batch, 0.5, 1);
  CHECK(got.loss == doctest::Approx(expected.loss).epsilon(loss_bound));
  CHECK(gradient_error(*pair.device, *pair.cpu) < slack * bound(options.precision));
  CHECK(pair.device->evaluate(batch).loss == doctest::Approx(pair.cpu->evaluate(batch).loss).epsilon(loss_bound));
}

}  // namespace collie::test
