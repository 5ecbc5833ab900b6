// Weights of targets and factors of documents: what an objective makes of the gradients of a batch.
#include <ATen/ATen.h>
#include <doctest/doctest.h>

#include "engine/objective/objective.h"
#include "model_reference.h"

namespace collie::test {
namespace {

// Trains a tiny model on one batch from the same start; the gradients, one after another.
std::vector<at::Tensor> gradients_of(const PackedBatch& batch, const DocumentFactors& factors,
                                     LossSums* sums = nullptr) {
  const ModelConfig config = tiny_config({});
  const ModelFolderOnDisk folder(random_weights_of(config, 5), DType::F32);
  DecoderOptions options;
  options.precision = Precision::fp32;
  options.purpose = Purpose::train;
  options.capacity_tokens = 64;
  options.max_document = 48;
  options.method = full_method();
  Decoder decoder(config, options);
  decoder.load(folder.path());
  const MicroBatch micro_batch{batch, 0.5, 1, {}, factors};
  decoder.stage_forward({micro_batch});
  const LossSums found = decoder.stage_backward({micro_batch}, {});
  if (sums) *sums = found;
  std::vector<at::Tensor> gradients;
  for (const Parameter& p : decoder.trainable()) gradients.push_back(p.grad.clone());
  return gradients;
}

TEST_CASE("weights of targets: all 1 is none, twice the weight is twice the gradient and the loss") {
  PackedBatch batch = random_batch(tiny_config({}), {17, 1, 30, 2}, 11);
  LossSums plain, ones, twice;
  const std::vector<at::Tensor> expected = gradients_of(batch, {}, &plain);
  batch.weights_N.assign(batch.ids_N.size(), 1);
  const std::vector<at::Tensor> same = gradients_of(batch, {}, &ones);
  batch.weights_N.assign(batch.ids_N.size(), 2);
  const std::vector<at::Tensor> double_of = gradients_of(batch, {}, &twice);
  CHECK(ones.loss == plain.loss);
  CHECK(twice.loss == 2 * plain.loss);
  CHECK(twice.targets == plain.targets);
  for (size_t i = 0; i < expected.size(); ++i) {
    CHECK(at::equal(same[i], expected[i]));
    CHECK(at::equal(double_of[i], expected[i] * 2));
  }
}

// What an objective over whole documents does: the head scores them, their factors come from the scores.
TEST_CASE("factors of documents: from their scores, and the same as weights of their targets") {
  PackedBatch batch = random_batch(tiny_config({}), {17, 30, 9}, 11);
  std::vector<LossSums> scores;
  const std::vector<at::Tensor> factored = gradients_of(batch, [&](std::span<const LossSums> documents) {
    scores.assign(documents.begin(), documents.end());
    return std::vector<double>{0.5, -2, 4};
  });
  REQUIRE(scores.size() == 3);
  batch.weights_N.clear();
  for (const auto& [length, factor] : {std::pair{17, 0.5f}, std::pair{30, -2.f}, std::pair{9, 4.f}})
    batch.weights_N.insert(batch.weights_N.end(), static_cast<size_t>(length), factor);
  LossSums weighted;
  const std::vector<at::Tensor> expected = gradients_of(batch, {}, &weighted);
  for (size_t i = 0; i < expected.size(); ++i) CHECK(at::equal(factored[i], expected[i]));
  CHECK(weighted.loss == doctest::Approx(0.5 * scores[0].loss - 2 * scores[1].loss + 4 * scores[2].loss).epsilon(1e-9));
}

TEST_CASE("cross entropy: registered, and nothing is scored before it is trained on") {
  const auto objective = make_objective("cross_entropy");
  CHECK(!objective->factors());
  const Metrics metrics = objective->evaluated({.loss = 6, .targets = 4, .correct = 3});
  CHECK(metrics.at("loss") == 1.5);
  CHECK(metrics.at("perplexity") == doctest::Approx(std::exp(1.5)));
  CHECK(metrics.at("token_accuracy") == 0.75);
  CHECK(metrics.at("target_tokens") == 4);
}

}  // namespace
}  // namespace collie::test
