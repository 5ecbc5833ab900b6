// What is saved of methods with virtual tokens and of serial adapters: an adapter of PEFT comes back as it was, an exported
// one computes what was trained, and a resume goes on bit for bit.
#include <ATen/ATen.h>
#include <doctest/doctest.h>
#include <unistd.h>

#include "../fixtures.h"
#include "core/base/error.h"
#include "core/base/json_reader.h"
#include "engine/checkpoint/checkpoint.h"
#include "engine/export/export.h"
#include "engine/export/import_adapter.h"
#include "engine/checkpoint/tensor_io.h"
#include "model_reference.h"
#include "peft_support.h"

namespace collie::test {
namespace {

namespace fs = std::filesystem;

const fs::path kFixtures = fixtures();
const fs::path kModel = kFixtures / "parity" / "llama-gqa-tied";

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (fs::temp_directory_path() / "collie-prompt-XXXXXX").string();
    path_ = mkdtemp(name.data());
  }
  ~TemporaryFolder() { fs::remove_all(path_); }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

nlohmann::json prompt(const char* type) {
  return {{"type", type}, {"virtual_tokens", 6}, {"init_text", ""}, {"init_adapter", nullptr}};
}
const nlohmann::json kPTuning = {{"type", "p_tuning"}, {"virtual_tokens", 6}, {"encoder_hidden_size", 24}};
const nlohmann::json kBottleneck = {{"type", "bottleneck"}, {"bottleneck_size", 5}, {"activation", "silu"}};

// A run of the tiny model.
struct Run {
  explicit Run(const nlohmann::json& method) : config(ModelConfig::load(kModel)) {
    spec.model = kModel.string();
    spec.method = method_of(method);
    spec.method_json = method;
    spec.optimizer.type = "adamw";
    spec.optimizer_json = {{"type", "adamw"}};
    meta.method = method;
    meta.optimizer = spec.optimizer_json;
    meta.config = read_json_file(kModel / "config.json");
  }
  std::unique_ptr<Decoder> decoder(AdapterStart start) const {
    DecoderOptions o;
    o.precision = Precision::fp32;
    o.purpose = Purpose::train;
    o.method = spec.method;
    o.capacity_tokens = o.max_document = 60;
    auto decoder = std::make_unique<Decoder>(config, o);
    decoder->load(spec.model, {}, start);
    return decoder;
  }
  std::string save(Decoder& decoder) {
    return CheckpointStore(folder.path()).save(meta, spec.method, {decoder.trained_tensors(), {}}, *single_rank()).name;
  }
  fs::path exported(Decoder& decoder) {
    const fs::path out = folder.path() / "export";
    export_adapter({folder.path(), save(decoder), out}, spec, [](double) {});
    return out;
  }

  ModelConfig config;
  RunSpec spec;
  CheckpointMeta meta;
  TemporaryFolder folder;
};

void step(Decoder& decoder, uint64_t number) {
  decoder.zero_grad();
  decoder.forward_backward(random_batch(decoder.config(), {20, 9}, number), 0.1, number);
  for (const Parameter& p : decoder.trainable()) p.master.sub_(p.grad, 0.02);
  decoder.sync_weights();
}

}  // namespace

TEST_CASE("virtual tokens: an adapter that PEFT saved comes back as it was") {
  for (const char* type : {"prompt_tuning", "prefix_tuning"}) {
    CAPTURE(type);
    const fs::path theirs = kFixtures / "prompt" / type;
    Run run(prompt(type));
    const auto decoder = run.decoder(AdapterStart::fresh);
    import_adapter(theirs, run.spec, run.config, decoder->trained_tensors());
    const fs::path ours = run.exported(*decoder);
    const SafetensorsFile a(theirs / "adapter_model.safetensors"), b(ours / "adapter_model.safetensors");
    REQUIRE(a.tensors().size() == b.tensors().size());
    for (const auto& [name, view] : a.tensors()) CHECK(at::equal(as_tensor(view), as_tensor(b.at(name, view.shape))));
    Run other([&] {
      nlohmann::json fields = prompt(type);
      fields["virtual_tokens"] = 7;
      return fields;
    }());
    CHECK_THROWS_AS(
        import_adapter(theirs, other.spec, other.config, other.decoder(AdapterStart::fresh)->trained_tensors()), Error);
  }
}

TEST_CASE("virtual tokens: an adapter's settings are those that PEFT writes") {
  for (const auto& fields : {prompt("prompt_tuning"), prompt("prefix_tuning"), kPTuning}) {
    const std::string type = fields.at("type");
    CAPTURE(type);
    Run run(fields);
    const nlohmann::json ours = read_json_file(run.exported(*run.decoder(AdapterStart::fresh)) / "adapter_config.json");
    const nlohmann::json theirs = read_json_file(kFixtures / "prompt" / type / "adapter_config.json");
    for (const auto& [key, value] : theirs.items()) {
      CAPTURE(key);
      if (key == "peft_version" || key == "base_model_name_or_path") continue;
      CHECK(ours.at(key) == value);
    }
  }
}

TEST_CASE("p-tuning: the exported vectors are a prompt that gives the same logits") {
  Run run(kPTuning);
  const auto decoder = run.decoder(AdapterStart::fresh);
  step(*decoder, 1);
  const fs::path out = run.exported(*decoder);
  Run as_prompt(prompt("prompt_tuning"));
  const auto loaded = as_prompt.decoder(AdapterStart::fresh);
  const SafetensorsFile file(out / "adapter_model.safetensors");
  REQUIRE(file.tensors().size() == 1);
  loaded->trained_tensors().at(0).tensor.copy_(as_tensor(file.at("prompt_embeddings")));
  loaded->sync_weights();
  const PackedBatch batch = random_batch(run.config, {20}, 3);
  const at::Tensor difference = loaded->logits(batch, AdapterUse::on) - decoder->logits(batch, AdapterUse::on);
  CHECK(difference.abs().max().item<float>() <= 1e-5);
}

TEST_CASE("bottleneck adapters: exported as a folder of our own") {
  Run run(kBottleneck);
  const auto decoder = run.decoder(AdapterStart::fresh);
  step(*decoder, 1);
  const fs::path out = run.exported(*decoder);
  CHECK(read_json_file(out / "collie_adapter.json").at("method") == kBottleneck);
  const SafetensorsFile file(out / "adapter_model.safetensors");
  const std::vector<NamedTensor> trained = decoder->trained_tensors();
  CHECK(file.tensors().size() == trained.size());
  for (const NamedTensor& t : trained) CHECK(at::equal(as_tensor(file.at(t.name)), t.tensor));
}

TEST_CASE("virtual tokens, serial adapters, frozen layers: a resume goes on bit for bit") {
  const nlohmann::json freeze = {{"type", "freeze"}, {"last_layers", 1}};
  for (const auto& fields : {prompt("prompt_tuning"), prompt("prefix_tuning"), kPTuning, kBottleneck, freeze}) {
    CAPTURE(fields.at("type").get<std::string>());
    Run run(fields);
    const auto whole = run.decoder(AdapterStart::fresh);
    for (uint64_t i = 1; i <= 3; ++i) step(*whole, i);
    const std::string name = run.save(*whole);
    const auto resumed = run.decoder(AdapterStart::stored);
    CheckpointStore(run.folder.path()).load(name, run.spec.method, {resumed->trained_tensors(), {}}, Contents::exactly);
    resumed->bind_base();
    resumed->sync_weights();
    for (uint64_t i = 4; i <= 6; ++i) {
      step(*whole, i);
      step(*resumed, i);
    }
    const auto a = whole->trained_tensors(), b = resumed->trained_tensors();
    REQUIRE(a.size() == b.size());
    for (size_t i = 0; i < a.size(); ++i) CHECK(at::equal(a[i].tensor, b[i].tensor));
  }
}

}  // namespace collie::test
