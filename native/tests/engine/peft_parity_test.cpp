// Parity with PEFT in fp32, for every method on linear layers that PEFT has: 20 training steps from the same values, and
// adapters that PEFT saved. tests/parity/make_peft_fixtures.py made the references.
#include <ATen/ATen.h>
#include <doctest/doctest.h>

#include "../fixtures.h"
#include "core/base/error.h"
#include "core/base/json_reader.h"
#include "core/formats/safetensors.h"
#include "engine/export/import_adapter.h"
#include "engine/checkpoint/tensor_io.h"
#include "engine/kernels/kernels.h"
#include "engine/optim/optimizer.h"
#include "model_reference.h"
#include "peft_support.h"

namespace collie::test {
namespace {

namespace fs = std::filesystem;

const fs::path kFixtures = fixtures();
const std::vector<std::string> kCases = {"lora",  "rslora-plus", "lora-norms", "dora",
                                         "pissa", "adalora",     "ia3",        "ia3-wide"};
constexpr double kRate = 5e-3, kDecay = 0.01;

struct Fixture {
  explicit Fixture(const std::string& name)
      : folder(kFixtures / "peft" / name),
        about(read_json_file(folder / "method.json")),
        model(kFixtures / "parity" / about.at("model").get<std::string>()),
        config(ModelConfig::load(model)),
        values(folder / "training.safetensors") {
    spec.model = model.string();
    spec.method = method_of(about.at("method"));
  }
  at::Tensor value(const std::string& key) const { return as_tensor(values.at(key)).clone(); }
  std::unique_ptr<Decoder> decoder(AdapterStart start) const {
    DecoderOptions o = training_options(spec.method);
    o.capacity_tokens = o.max_document = 32;
    auto decoder = std::make_unique<Decoder>(config, o);
    decoder->load(model, {}, start);
    return decoder;
  }

  fs::path folder;
  nlohmann::json about;
  fs::path model;
  ModelConfig config;
  SafetensorsFile values;
  RunSpec spec;
};

std::vector<int32_t> ints(const at::Tensor& t) {
  return {t.const_data_ptr<int32_t>(), t.const_data_ptr<int32_t>() + t.numel()};
}

// Labels as in transformers: the label of a token is predicted one position earlier, -100 is not counted.
PackedBatch one_document(const std::vector<int32_t>& ids, const std::vector<int32_t>& labels) {
  PackedBatch b;
  b.ids_N = ids;
  for (size_t i = 0; i < ids.size(); ++i) {
    b.positions_N.push_back(static_cast<int32_t>(i));
    b.targets_N.push_back(i + 1 < labels.size() && labels[i + 1] >= 0 ? labels[i + 1] : -1);
  }
  b.doc_offsets = {0, static_cast<int32_t>(ids.size())};
  return b;
}

// PiSSA's starting factors are those that training starts from.
void start_from(Decoder& decoder, const Fixture& fixture) {
  constexpr std::string_view start = ".start";
  for (const NamedTensor& t : decoder.trained_tensors()) {
    const std::string name = t.name.ends_with(start) ? t.name.substr(0, t.name.size() - start.size()) : t.name;
    t.tensor.copy_(fixture.value("start." + name));
  }
  decoder.bind_base();
  decoder.sync_weights();
}

// One step as PEFT made it: two micro-batches of one document. Returns the loss of a target, and the ranks when allocated.
struct Trainer {
  Trainer(Decoder& d, const Fixture& f)
      : decoder(d), documents(f.value("documents")), labels(f.value("labels")), kernels(make_kernels(at::kCPU)) {
    const OptimizerSpec adamw{
        "adamw", kRate, {{"beta1", 0.9}, {"beta2", 0.999}, {"eps", 1e-8}, {"weight_decay", kDecay}}};
    optimizer = make_optimizer(adamw, decoder.trainable(), *kernels);
  }

  double step(int64_t number, int64_t total) {
    std::vector<PackedBatch> batches;
    int64_t targets = 0;
    for (int64_t i = 0; i < 2; ++i) {
      const int64_t row = (2 * number + i) % documents.size(0);
      batches.push_back(one_document(ints(documents[row]), ints(labels[row])));
      targets += batches.back().n_targets();
    }
    decoder.zero_grad();
    double loss = 0;
    for (const PackedBatch& batch : batches)
      loss += decoder.forward_backward(batch, 1.0 / static_cast<double>(targets), 0).loss;
    decoder.finish_gradients();
    optimizer->step(decoder.trainable(), {number, kRate});
    ranks = decoder.after_update({number, total, 1});
    decoder.sync_weights();
    return loss / static_cast<double>(targets);
  }

  Decoder& decoder;
  at::Tensor documents, labels;
  std::unique_ptr<Kernels> kernels;
  std::unique_ptr<Optimizer> optimizer;
  std::optional<RankReport> ranks;
};

double logits_distance(Decoder& decoder, const Fixture& fixture) {
  const at::Tensor logits = decoder.logits(one_document(ints(fixture.value("ids")), {}), AdapterUse::on);
  return (logits - fixture.value("logits")).abs().max().item<double>();
}

TEST_CASE("parity with PEFT: 20 steps of every method on linear layers") {
  for (const std::string& name : kCases) {
    CAPTURE(name);
    const Fixture fixture(name);
    const auto decoder = fixture.decoder(AdapterStart::stored);
    start_from(*decoder, fixture);
    const at::Tensor losses = fixture.value("losses");
    const int64_t steps = losses.size(0);
    Trainer trainer(*decoder, fixture);
    for (int64_t step = 1; step <= steps; ++step) {
      CAPTURE(step);
      CHECK(std::abs(trainer.step(step, steps) - losses[step - 1].item<double>()) <= 1e-3);
      if (trainer.ranks) CHECK(trainer.ranks->total == fixture.value("ranks")[step - 1].item<int32_t>());
    }
    CHECK(losses[steps - 1].item<double>() < losses[0].item<double>() - 0.02);
    CHECK(logits_distance(*decoder, fixture) <= 2e-3);
  }
}

TEST_CASE("an adapter that PEFT saved gives PEFT's logits here") {
  for (const std::string& name : kCases) {
    Fixture fixture(name);
    if (fixture.spec.method.type == "adalora") continue;  // starts anew: its schedule belongs to one run
    if (fixture.spec.method.type == "pissa") fixture.spec.method = lora_of_pissa(fixture.spec.method);
    CAPTURE(name);
    const auto decoder = fixture.decoder(AdapterStart::stored);
    import_adapter(fixture.folder, fixture.spec, fixture.config, decoder->trained_tensors());
    decoder->bind_base();
    decoder->sync_weights();
    CHECK(logits_distance(*decoder, fixture) <= 1e-4);
  }
}

TEST_CASE("an adapter that does not fit is refused before anything changes") {
  const Fixture fixture("lora");
  const auto message_of = [&](const nlohmann::json& changes,
                              const fs::path& folder) -> std::pair<std::string, std::string> {
    nlohmann::json fields = fixture.about.at("method");
    fields.update(changes);
    RunSpec spec = fixture.spec;
    spec.method = method_of(fields);
    Decoder decoder(fixture.config, training_options(spec.method));
    decoder.load(fixture.model);
    const auto before = decoder.trained_tensors();
    std::vector<at::Tensor> copies;
    for (const NamedTensor& t : before) copies.push_back(t.tensor.clone());
    try {
      import_adapter(folder, spec, fixture.config, decoder.trained_tensors());
    } catch (const Error& error) {
      for (size_t i = 0; i < before.size(); ++i) CHECK(before[i].tensor.equal(copies[i]));
      return {error.code(), error.what()};
    }
    return {"", ""};
  };
  const auto contains = [](const std::string& text, const char* part) { return text.find(part) != std::string::npos; };
  const auto rank = message_of({{"rank", 3}}, fixture.folder);
  CHECK(rank.first == "checkpoint.mismatch");
  CHECK(contains(rank.second, " r 4"));
  CHECK(contains(message_of({{"alpha", 9}}, fixture.folder).second, "lora_alpha"));
  CHECK(contains(message_of({{"scaling", "rank_stabilized"}}, fixture.folder).second, "use_rslora"));
  CHECK(contains(message_of({{"target_modules", {"q_proj"}}}, fixture.folder).second, "belongs to nothing"));
  CHECK(message_of({{"modules_to_save", {"norm"}}}, fixture.folder).first == "checkpoint.mismatch");
  CHECK(message_of(nlohmann::json::object(), kFixtures / "peft" / "ia3").first == "checkpoint.mismatch");
  CHECK(message_of(nlohmann::json::object(), kFixtures / "peft" / "nothing").first == "checkpoint.not_found");
  CHECK(message_of(nlohmann::json::object(), fixture.folder).first.empty());
}

}  // namespace
}  // namespace collie::test
