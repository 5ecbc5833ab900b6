// What is saved of every method on linear layers: a resume goes on bit for bit, an exported adapter comes back as it was, and a
// merged model computes what the tuned one did.
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
#include "engine/kernels/kernels.h"
#include "engine/optim/optimizer.h"
#include "model_reference.h"
#include "peft_support.h"

namespace collie::test {
namespace {

namespace fs = std::filesystem;

const fs::path kModels = fixtures() / "parity";

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::string name = (fs::temp_directory_path() / "collie-peft-XXXXXX").string();
    path_ = mkdtemp(name.data());
  }
  ~TemporaryFolder() { fs::remove_all(path_); }
  const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

// A run of one of the tiny models.
struct Run {
  Run(const std::string& name, const nlohmann::json& method) : config(ModelConfig::load(kModels / name)) {
    spec.model = (kModels / name).string();
    spec.method = method_of(method);
    spec.method_json = method;
    spec.optimizer.type = "adamw";
    spec.optimizer_json = {{"type", "adamw"}};
    meta.method = method;
    meta.optimizer = spec.optimizer_json;
    meta.config = read_json_file(kModels / name / "config.json");
  }
  std::unique_ptr<Decoder> decoder(AdapterStart start, std::optional<MethodSpec> method) const {
    DecoderOptions o = training_options(spec.method);
    o.method = std::move(method);
    if (!o.method) o.purpose = Purpose::serve;
    auto decoder = std::make_unique<Decoder>(config, o);
    decoder->load(spec.model, {}, start);
    return decoder;
  }
  std::string save(Decoder& decoder, int64_t step, const std::vector<NamedTensor>& state) {
    meta.step = step;
    return CheckpointStore(folder.path())
        .save(meta, spec.method, {decoder.trained_tensors(), state}, *single_rank())
        .name;
  }
  ExportRequest request(const std::string& checkpoint, const char* out) const {
    return {folder.path(), checkpoint, folder.path() / "export" / out};
  }

  ModelConfig config;
  RunSpec spec;
  CheckpointMeta meta;
  TemporaryFolder folder;
};

// AdamW over the decoder's parameters, with its state under names.
struct Steps {
  explicit Steps(Decoder& d) : decoder(d), kernels(make_kernels(at::kCPU)) {
    const OptimizerSpec adamw{"adamw", 5e-3, {{"beta1", 0.9}, {"beta2", 0.999}, {"eps", 1e-8}, {"weight_decay", 0.0}}};
    optimizer = make_optimizer(adamw, decoder.trainable(), *kernels);
  }
  std::vector<NamedTensor> all_state() {
    std::vector<NamedTensor> all = optimizer->state();
    for (const NamedTensor& t : decoder.method_state()) all.push_back(t);
    return all;
  }
  double step(int64_t number, int64_t total) {
    const PackedBatch batch = random_batch(decoder.config(), {20, 9}, static_cast<uint64_t>(number));
    decoder.zero_grad();
    const double loss = decoder.forward_backward(batch, 0.1, static_cast<uint64_t>(number)).loss;
    decoder.finish_gradients();
    optimizer->step(decoder.trainable(), {number, 5e-3});
    decoder.after_update({number, total, 1});
    decoder.sync_weights();
    return loss;
  }

  Decoder& decoder;
  std::unique_ptr<Kernels> kernels;
  std::unique_ptr<Optimizer> optimizer;
};

TEST_CASE("a resume of every method goes on bit for bit") {
  constexpr int64_t kHalf = 5, kTotal = 10;
  for (const MethodCase& c : linear_methods()) {
    CAPTURE(c.name);
    nlohmann::json fields = c.fields;
    if (fields.contains("dropout")) fields["dropout"] = 0.2;
    Run run("llama-gqa-tied", fields);
    const auto whole = run.decoder(AdapterStart::fresh, run.spec.method);
    Steps steps(*whole);
    for (int64_t i = 1; i <= kHalf; ++i) steps.step(i, kTotal);
    const std::string name = run.save(*whole, kHalf, steps.all_state());
    const auto resumed = run.decoder(AdapterStart::stored, run.spec.method);
    Steps more(*resumed);
    CheckpointStore(run.folder.path())
        .load(name, run.spec.method, {resumed->trained_tensors(), more.all_state()}, Contents::exactly);
    resumed->bind_base();
    resumed->sync_weights();
    for (int64_t i = kHalf + 1; i <= kTotal; ++i) CHECK(steps.step(i, kTotal) == more.step(i, kTotal));
    const auto expected = whole->trained_tensors(), received = resumed->trained_tensors();
    for (size_t i = 0; i < expected.size(); ++i) CHECK(expected[i].tensor.equal(received[i].tensor));
  }
}

void check_adapter(const Run& run, const std::string& checkpoint, const PackedBatch& batch, const at::Tensor& logits) {
  const ExportRequest request = run.request(checkpoint, "adapter");
  export_adapter(request, run.spec, [](double) {});
  CHECK(fs::exists(request.out / "adapter_config.json"));
  if (run.spec.method.type == "adalora") return;  // cannot be continued; PEFT's own loading is tested with references
  RunSpec exported = run.spec;
  if (exported.method.type == "pissa") exported.method = lora_of_pissa(exported.method);
  const auto decoder = run.decoder(AdapterStart::stored, exported.method);
  import_adapter(request.out, exported, run.config, decoder->trained_tensors());
  decoder->bind_base();
  decoder->sync_weights();
  CHECK((decoder->logits(batch, AdapterUse::on) - logits).abs().max().item<double>() <= 1e-5);
}

void check_merged(const Run& run, const std::string& checkpoint, const PackedBatch& batch, const at::Tensor& logits) {
  const ExportRequest request = run.request(checkpoint, "merged");
  export_merged(request, run.spec, [](double) {});
  // In plain operations, which know biases too.
  Weights weights;
  const SafetensorsFile file(request.out / "model.safetensors");
  for (const auto& [name, view] : file.tensors()) weights[name] = as_tensor(view).clone();
  CHECK((reference_logits(run.config, weights, batch, 0) - logits).abs().max().item<double>() <= 1e-4);
  const nlohmann::json config = read_json_file(request.out / "config.json");
  if (run.spec.method.type == "bitfit") {
    CHECK(config.at("attention_bias") == true);
    CHECK(config.at("mlp_bias") == true);
    CHECK(weights.count("model.layers.1.mlp.down_proj.bias") == 1);
    return;
  }
  Decoder decoder(ModelConfig::load(request.out), training_options(method_of({{"type", "full"}})));
  decoder.load(request.out);
  CHECK((decoder.logits(batch, AdapterUse::on) - logits).abs().max().item<double>() <= 1e-4);
}

TEST_CASE("exports of every method compute what the tuned model did") {
  for (const char* model : {"llama-gqa-tied", "llama3-untied"})
    for (const MethodCase& c : linear_methods()) {
      CAPTURE(model);
      CAPTURE(c.name);
      Run run(model, c.fields);
      const auto decoder = run.decoder(AdapterStart::fresh, run.spec.method);
      disturb(*decoder, 3);
      decoder->sync_weights();
      const PackedBatch batch = random_batch(run.config, {30, 9}, 4);
      const at::Tensor logits = decoder->logits(batch, AdapterUse::on);
      const std::string checkpoint = run.save(*decoder, 1, {});
      if (run.spec.method.type != "bitfit") check_adapter(run, checkpoint, batch, logits);
      check_merged(run, checkpoint, batch, logits);
    }
}

std::string refusal(const std::function<void()>& action) {
  try {
    action();
  } catch (const Error& error) {
    CHECK(!error.hint().empty());
    return error.code();
  }
  return "";
}

TEST_CASE("exports that make no sense are refused with the way") {
  Run run("mistral-window", {{"type", "bitfit"}});
  const auto decoder = run.decoder(AdapterStart::fresh, run.spec.method);
  const std::string checkpoint = run.save(*decoder, 1, {});
  CHECK(refusal([&] { export_merged(run.request(checkpoint, "merged"), run.spec, [](double) {}); }) ==
        "request.invalid");
  CHECK(refusal([&] { export_adapter(run.request(checkpoint, "adapter"), run.spec, [](double) {}); }) ==
        "request.invalid");
  CHECK_FALSE(fs::exists(run.folder.path() / "export"));
}

TEST_CASE("AdaLoRA's exported ranks are those with a value") {
  nlohmann::json fields;
  for (const MethodCase& c : linear_methods())
    if (std::string(c.name) == "adalora") fields = c.fields;
  Run run("llama-gqa-tied", fields);
  const auto decoder = run.decoder(AdapterStart::fresh, run.spec.method);
  disturb(*decoder, 3);
  for (const NamedTensor& t : decoder->trained_tensors()) {
    if (t.name == "model.layers.0.mlp.up_proj.lora_E") t.tensor.narrow(0, 1, 2).zero_();
    if (t.name == "model.layers.1.mlp.up_proj.lora_E") t.tensor.zero_();
  }
  decoder->sync_weights();
  const ExportRequest request = run.request(run.save(*decoder, 7, {}), "adapter");
  export_adapter(request, run.spec, [](double) {});
  const nlohmann::json config = read_json_file(request.out / "adapter_config.json");
  CHECK(config.at("peft_type") == "ADALORA");
  CHECK(config.at("total_step") == 7);
  CHECK(config.at("rank_pattern").at("model.layers.0.mlp.up_proj.lora_E") ==
        nlohmann::json({true, false, false, true}));
  CHECK(config.at("rank_pattern").at("model.layers.1.mlp.up_proj.lora_E") ==
        nlohmann::json({true, false, false, false}));
  const SafetensorsFile file(request.out / "adapter_model.safetensors");
  CHECK(file.at("base_model.model.model.layers.0.mlp.up_proj.lora_A").shape == std::vector<int64_t>{2, 64});
  CHECK(file.at("base_model.model.model.layers.0.mlp.up_proj.lora_B").shape == std::vector<int64_t>{112, 2});
  CHECK(file.at("base_model.model.model.layers.0.mlp.gate_proj.lora_E").shape == std::vector<int64_t>{4, 1});
}

TEST_CASE("what PEFT has other words for is exported in its words") {
  nlohmann::json fields = linear_methods()[0].fields;
  fields.update({{"target_modules", {"layers.?.mlp.up_proj"}},
                 {"modules_to_save", {"norm", "embed_tokens"}},
                 {"scaling", "rank_stabilized"}});
  Run run("llama-gqa-tied", fields);
  const auto decoder = run.decoder(AdapterStart::fresh, run.spec.method);
  const ExportRequest request = run.request(run.save(*decoder, 1, {}), "adapter");
  export_adapter(request, run.spec, [](double) {});
  const nlohmann::json config = read_json_file(request.out / "adapter_config.json");
  CHECK(config.at("target_modules") == nlohmann::json({"model.layers.0.mlp.up_proj", "model.layers.1.mlp.up_proj"}));
  CHECK(config.at("modules_to_save") == nlohmann::json({"embed_tokens", "lm_head", "model.norm"}));
  CHECK(config.at("use_rslora") == true);
  const SafetensorsFile file(request.out / "adapter_model.safetensors");
  CHECK(file.find("base_model.model.lm_head.weight") != nullptr);
  CHECK(file.find("base_model.model.model.embed_tokens.weight") != nullptr);
}

const char* const kOtherFiles[] = {"../families/phi3", "../families/glm", "../families/internlm2",
                                   "../families/chatglm"};

TEST_CASE("adapters of modules that files fuse, group or call otherwise come back as they were") {
  for (const char* model : kOtherFiles) {
    CAPTURE(model);
    Run run(model, linear_methods()[0].fields);
    const auto decoder = run.decoder(AdapterStart::fresh, run.spec.method);
    disturb(*decoder, 3);
    decoder->sync_weights();
    const PackedBatch batch = random_batch(run.config, {30, 9}, 4);
    check_adapter(run, run.save(*decoder, 1, {}), batch, decoder->logits(batch, AdapterUse::on));
  }
}

// An adapter as PEFT makes one on such a model: a pair of factors of the run's rank for every module of the files. Random, by name.
std::map<std::string, at::Tensor> write_shared(const fs::path& exported, const fs::path& out, int64_t rank) {
  const SafetensorsFile file(exported / "adapter_model.safetensors");
  std::map<std::string, at::Tensor> factors;
  std::vector<TensorSpec> specs;
  for (const auto& [name, view] : file.tensors()) {
    std::vector<int64_t> shape = view.shape;
    shape[name.find(".lora_A.") != std::string::npos ? 0 : 1] = rank;
    factors[name] = at::randn(shape) * 0.3;
    specs.push_back({name, DType::F32, shape});
  }
  fs::create_directories(out);
  SafetensorsWriter writer(out / "adapter_model.safetensors", specs);
  for (const auto& [name, value] : factors)
    writer.write(name, std::span(value.const_data_ptr<float>(), static_cast<size_t>(value.numel())));
  writer.finish();
  nlohmann::json config = read_json_file(exported / "adapter_config.json");
  config["rank_pattern"] = config["alpha_pattern"] = nlohmann::json::object();
  write_file(out / "adapter_config.json", config.dump());
  return factors;
}

TEST_CASE("an adapter of fused modules is one of their parts: the merged weights are those of its own product") {
  at::manual_seed(5);
  for (const char* model : kOtherFiles) {
    CAPTURE(model);
    Run run(model, linear_methods()[0].fields);
    const int64_t rank = run.spec.method.integer("rank");
    const auto decoder = run.decoder(AdapterStart::fresh, run.spec.method);
    const ExportRequest own = run.request(run.save(*decoder, 1, {}), "adapter");
    export_adapter(own, run.spec, [](double) {});
    const auto factors = write_shared(own.out, run.folder.path() / "theirs", rank);
    import_adapter(run.folder.path() / "theirs", run.spec, run.config, decoder->trained_tensors());
    const ExportRequest merged = run.request(run.save(*decoder, 2, {}), "merged");
    export_merged(merged, run.spec, [](double) {});
    const SafetensorsFile before(kModels / model / "model.safetensors"), after(merged.out / "model.safetensors");
    size_t compared = 0;
    for (const auto& [name, a] : factors) {
      const size_t at = name.find(".lora_A.");
      if (at == std::string::npos) continue;
      const std::string module =
          name.substr(std::string("base_model.model.").size(), at - std::string("base_model.model.").size());
      const at::Tensor b = factors.at(name.substr(0, at) + ".lora_B.weight");
      const at::Tensor expected = as_tensor(before.at(module + ".weight")).to(at::kFloat) +
                                  run.spec.method.number("alpha") / static_cast<double>(rank) * at::mm(b, a);
      CAPTURE(module);
      CHECK(at::allclose(as_tensor(after.at(module + ".weight")).to(at::kFloat), expected, 0.01, 0.01));
      ++compared;
    }
    CHECK(compared >= 4);
  }
}

}  // namespace
}  // namespace collie::test
