// Every model family against transformers and PEFT in fp32: logits, gradients and ten steps of LoRA on tiny random models, over documents
// that are longer than every window and every original rope length. tests/parity/make_family_fixtures.py made the references.
#include <ATen/ATen.h>
#include <doctest/doctest.h>

#include <cstring>
#include <set>

#include "../fixtures.h"
#include "core/formats/safetensors.h"
#include "core/model/model_names.h"
#include "core/plan/memory_plan.h"
#include "core/plan/model_tensors.h"
#include "engine/kernels/kernels.h"
#include "engine/optim/optimizer.h"
#include "model_reference.h"

namespace collie::test {
namespace {

namespace fs = std::filesystem;

std::vector<fs::path> families() {
  std::vector<fs::path> all;
  for (const auto& entry : fs::directory_iterator(fixtures() / "families")) all.push_back(entry.path());
  std::ranges::sort(all);
  return all;
}

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

DecoderOptions options_for(const std::optional<MethodSpec>& method, Precision precision = Precision::fp32) {
  DecoderOptions o;
  o.precision = precision;
  o.purpose = method ? Purpose::train : Purpose::serve;
  o.method = method;
  o.capacity_tokens = o.max_document = 48;
  return o;
}

struct Reference {
  explicit Reference(const fs::path& folder) : file(folder / "reference.safetensors") {}
  at::Tensor operator()(const std::string& key) const { return tensor_of(file.at(key)); }
  PackedBatch batch() const { return one_document(ints((*this)("ids")), ints((*this)("labels"))); }
  SafetensorsFile file;
};

constexpr float kRounding = 1e-5f;

void check_gradients(Decoder& decoder, const Reference& value) {
  for (const Parameter& p : decoder.trainable()) {
    CAPTURE(p.name);
    const float norm = value("grad_norm." + p.name).item<float>();
    CHECK(p.grad.norm().item<float>() == doctest::Approx(norm).epsilon(1e-3));
    // A bias of keys that do not rotate adds as much to every score of a query: what is left of its gradient is rounding.
    if (norm < kRounding) {
      CHECK(p.grad.norm().item<float>() < kRounding);
      continue;
    }
    const at::Tensor rows = value("grad_rows." + p.name);
    CHECK(relative_error(p.grad.narrow(0, 0, rows.size(0)), rows) <= 1e-3);
  }
}

TEST_CASE("families: logits, loss and every gradient are those of transformers") {
  for (const fs::path& folder : families()) {
    CAPTURE(folder.filename().string());
    const Reference value(folder);
    for (const auto& [level, checkpointing] : kCheckpointingLevels) {
      CAPTURE(level);
      DecoderOptions options = options_for(full_method());
      options.checkpointing = checkpointing;
      Decoder decoder(ModelConfig::load(folder), options);
      decoder.load(folder);
      CHECK((decoder.logits(value.batch(), AdapterUse::off) - value("logits")).abs().max().item<float>() <= 1e-4);
      CHECK(decoder.forward_backward(value.batch(), 1, 0).loss ==
            doctest::Approx(value("loss").item<float>()).epsilon(1e-5));
      CHECK(decoder.trainable().size() == model_tensors(decoder.config()).size());
      check_gradients(decoder, value);
    }
  }
}

TEST_CASE("families: bf16 stays near fp32") {
  for (const fs::path& folder : families()) {
    CAPTURE(folder.filename().string());
    const Reference value(folder);
    Decoder decoder(ModelConfig::load(folder), options_for(full_method(), Precision::bf16));
    decoder.load(folder);
    CHECK(relative_error(decoder.logits(value.batch(), AdapterUse::off), value("logits")) <= 0.03);
    CHECK(decoder.forward_backward(value.batch(), 1, 0).loss ==
          doctest::Approx(value("loss").item<float>()).epsilon(0.02));
    for (const Parameter& p : decoder.trainable()) {
      CAPTURE(p.name);
      CHECK(p.grad.norm().item<float>() == doctest::Approx(value("grad_norm." + p.name).item<float>()).epsilon(0.15));
    }
  }
}

TEST_CASE("families: ten steps of LoRA are those of PEFT") {
  for (const fs::path& folder : families()) {
    CAPTURE(folder.filename().string());
    const SafetensorsFile reference(folder / "lora.safetensors");
    std::set<std::string> targets;
    for (const auto& [name, view] : reference.tensors())
      if (const size_t end = name.find(".lora_A"); end != std::string::npos)
        targets.insert(name.substr(name.rfind('.', end - 1) + 1, end - name.rfind('.', end - 1) - 1));
    Decoder decoder(ModelConfig::load(folder), options_for(lora_method(2, 4, 0, {targets.begin(), targets.end()})));
    decoder.load(folder);
    for (const Parameter& p : decoder.trainable()) p.master.copy_(tensor_of(reference.at("start." + p.name)));
    decoder.sync_weights();
    const auto kernels = make_kernels(at::kCPU);
    const OptimizerSpec adamw{"adamw", 5e-3, {{"beta1", 0.9}, {"beta2", 0.999}, {"eps", 1e-8}, {"weight_decay", 0.01}}};
    const auto optimizer = make_optimizer(adamw, decoder.trainable(), *kernels);
    const at::Tensor documents = tensor_of(reference.at("documents")), labels = tensor_of(reference.at("labels"));
    const at::Tensor losses = tensor_of(reference.at("losses"));
    for (int64_t step = 0; step < losses.size(0); ++step) {
      const int64_t row = step % documents.size(0);
      const PackedBatch batch = one_document(ints(documents[row]), ints(labels[row]));
      const auto targets_of_step = static_cast<double>(batch.n_targets());
      decoder.zero_grad();
      CAPTURE(step);
      CHECK(std::abs(decoder.forward_backward(batch, 1 / targets_of_step, 0).loss / targets_of_step -
                     losses[step].item<float>()) <= 1e-3);
      optimizer->step(decoder.trainable(), {step + 1, adamw.learning_rate});
      decoder.sync_weights();
    }
  }
}

TEST_CASE("families: documents packed together and a cached conversation are the whole pass") {
  for (const fs::path& folder : families()) {
    CAPTURE(folder.filename().string());
    const Reference value(folder);
    Decoder decoder(ModelConfig::load(folder), options_for(std::nullopt));
    decoder.load(folder);
    const PackedBatch whole = value.batch();
    // A short document before the long one: where rotary tables depend on the length, each has its own.
    PackedBatch both;
    both.ids_N.assign(whole.ids_N.begin(), whole.ids_N.begin() + 6);
    both.ids_N.insert(both.ids_N.end(), whole.ids_N.begin(), whole.ids_N.end());
    for (int32_t i = 0; i < 6; ++i) both.positions_N.push_back(i);
    both.positions_N.insert(both.positions_N.end(), whole.positions_N.begin(), whole.positions_N.end());
    both.targets_N.assign(both.ids_N.size(), -1);
    both.doc_offsets = {0, 6, static_cast<int32_t>(both.ids_N.size())};
    CHECK((decoder.logits(both, AdapterUse::off).narrow(0, 6, 40) - value("logits")).abs().max().item<float>() <= 1e-4);
    const auto cache = decoder.make_cache(48);
    const std::span<const int32_t> ids = whole.ids_N;
    decoder.extend(ids.first(30), *cache, AdapterUse::off);
    for (size_t i = 30; i + 1 < ids.size(); ++i) decoder.extend(ids.subspan(i, 1), *cache, AdapterUse::off);
    const at::Tensor last = decoder.extend(ids.last(1), *cache, AdapterUse::off);
    const bool by_length = std::ranges::any_of(decoder.config().ropes, [](const RopeConfig& rope) {
      return rope.scaling == RopeScaling::longrope;
    });  // keys of a short beginning stay as they were
    if (!by_length) CHECK((last - value("logits")[39]).abs().max().item<float>() <= 1e-4);
  }
}

TEST_CASE("families: the forecast of weights is what is held") {
  for (const fs::path& folder : families())
    for (const Precision precision : {Precision::fp32, Precision::bf16})
      for (const auto& method : {full_method(), lora_method(2, 4, 0, {"o_proj", "q_proj"})}) {
        CAPTURE(folder.filename().string());
        CAPTURE(method.type);
        const ModelConfig config = ModelConfig::load(folder);
        const Decoder decoder(config, options_for(method, precision));
        const MemoryPlan plan =
            plan_memory(config, {.method = method, .precision = precision, .capacity_tokens = 48, .max_document = 48});
        CHECK(plan.weights == decoder.memory_use().weights_bytes);
        CHECK(plan.gradients == decoder.memory_use().gradients_bytes);
        CHECK(plan.activations == decoder.memory_use().activations_bytes);
        CHECK(plan.total_params == parameter_count(config));
      }
}

TEST_CASE("families: tensors go from files to logical names and back without a change") {
  for (const fs::path& folder : families()) {
    CAPTURE(folder.filename().string());
    const ModelConfig config = ModelConfig::load(folder);
    ModelFiles files(folder, config);
    std::map<std::string, std::vector<std::byte>> logical;
    for (const NamedShape& tensor : model_tensors(config)) {
      const TensorView view = files.at(tensor.name, tensor.shape);
      logical[tensor.name] = {view.bytes.begin(), view.bytes.end()};
    }
    for (const auto& [name, stored] : files.folder().tensors()) {
      CAPTURE(name);
      std::vector<std::byte> turned;
      const bool transposed = file_parts(config, name, stored.shape[0])[0].transposed;
      const TensorView view = transposed ? transposed_view(stored, turned) : stored;
      const size_t row = view.bytes.size() / static_cast<size_t>(view.shape[0]);
      std::vector<std::byte> again(view.bytes.size());
      for (const FilePart& part : file_parts(config, name, view.shape[0])) {
        const std::vector<std::byte>& bytes = logical.at(part.logical);
        const size_t block = static_cast<size_t>(part.rows.block) * row;
        for (int64_t k = 0; k < part.rows.count; ++k)
          std::memcpy(again.data() + static_cast<size_t>(part.rows.first + k * part.rows.stride) * row,
                      bytes.data() + static_cast<size_t>(k) * block, block);
        logical.erase(part.logical);
      }
      CHECK(std::ranges::equal(again, view.bytes));
    }
    CHECK(logical.empty());
  }
}

}  // namespace
}  // namespace collie::test
