// Several adapters over one base: what each computes has the bits of a decoder that has nothing else in its weights.
#include <ATen/ops/empty.h>
#include <doctest/doctest.h>

#include <filesystem>

#include "../fixtures.h"
#include "core/recipe/peft_methods.h"
#include "core/base/random.h"
#include "model_reference.h"
#include "peft_support.h"

namespace collie::test {
namespace {

namespace fs = std::filesystem;

const fs::path kModel = fixtures() / "parity" / "llama-gqa-tied";
constexpr int64_t kTokens = 24;

DecoderOptions serving_options(Precision precision, Quantization quantization) {
  DecoderOptions o;
  o.precision = precision;
  o.quantization = quantization;
  o.capacity_tokens = o.max_document = kTokens + 16;
  return o;
}

// Every family, with tails of different widths, tables and norms of their own, and whole layers of their own.
std::vector<MethodSpec> methods() {
  std::vector<MethodSpec> all;
  for (const MethodCase& one : linear_methods()) all.push_back(method_of(one.fields));
  all.push_back(
      method_of({{"type", "prompt_tuning"}, {"virtual_tokens", 6}, {"init_text", ""}, {"init_adapter", nullptr}}));
  all.push_back(method_of({{"type", "bottleneck"}, {"bottleneck_size", 5}, {"activation", "gelu"}}));
  MethodSpec wide = all.front();  // LoRA: the widest tail comes when the others are there
  wide.fields["rank"] = 24;
  all.push_back(wide);
  all.push_back(method_of({{"type", "freeze"}, {"last_layers", 1}}));
  all.push_back(method_of({{"type", "full"}}));
  return all;
}

// As the serving rank makes it, with values that training could have left: a function of `seed` only.
std::unique_ptr<Decoder> tuned(const ModelConfig& config, const DecoderOptions& options, uint64_t seed) {
  auto decoder = std::make_unique<Decoder>(config, options);
  decoder->load(kModel, {}, AdapterStart::stored);
  Random random(seed);
  for (const NamedTensor& t : decoder->trained_tensors()) {
    at::Tensor values = at::empty(t.tensor.sizes());
    for (int64_t i = 0; i < values.numel(); ++i)
      values.data_ptr<float>()[i] = static_cast<float>(random.uniform() - 0.4) * 0.3f;
    t.tensor.copy_(values);
  }
  decoder->bind_base();
  decoder->sync_weights();
  return decoder;
}

struct Served {
  explicit Served(const DecoderOptions& common, const std::vector<MethodSpec>& methods)
      : config(ModelConfig::load(kModel)) {
    base = std::make_unique<Decoder>(config, common);
    base->load(kModel);
    for (size_t i = 0; i < methods.size(); ++i) {
      base->make_room(methods[i]);  // while the guests before it hold its weights
      DecoderOptions one = common;
      one.method = methods[i];
      one.base = base.get();
      guests.push_back(tuned(config, one, i));
      one.base = nullptr;
      alone.push_back(tuned(config, one, i));
    }
  }
  ModelConfig config;
  std::unique_ptr<Decoder> base;
  std::vector<std::unique_ptr<Decoder>> guests, alone;
};

// Whether its adapter is all that training makes.
bool leaves_base(const MethodSpec& method) {
  return has_adapter(method) && method.type != "pissa" && method.type != "bitfit" &&
         method.texts("modules_to_save").empty();
}

void check_turns(const DecoderOptions& common, const std::vector<MethodSpec>& methods) {
  Served served(common, methods);
  Decoder plain(served.config, common);
  plain.load(kModel);
  const PackedBatch batch = random_batch(served.config, {kTokens - 5, 5}, 3);
  const at::Tensor base = plain.logits(batch, AdapterUse::off);
  std::vector<size_t> turns;
  for (size_t i = 0; i < methods.size(); ++i) turns.push_back(i);
  for (size_t i = methods.size(); i-- > 0;) turns.push_back(i);
  for (const size_t i : turns) {
    CAPTURE(i);
    CAPTURE(methods[i].type);
    served.guests[i]->sync_weights();
    const at::Tensor logits = served.guests[i]->logits(batch, AdapterUse::on);
    CHECK(logits.equal(served.alone[i]->logits(batch, AdapterUse::on)));
    CHECK(!logits.equal(base));
    CHECK(served.base->logits(batch, AdapterUse::off).equal(base));
  }
}

TEST_CASE("several adapters over one base: each computes the bits that it computes alone") {
  for (const Precision precision : {Precision::fp32, Precision::bf16}) {
    CAPTURE(static_cast<int>(precision));
    check_turns(serving_options(precision, Quantization::none), methods());
  }
}

TEST_CASE("several adapters over one quantized base") {
  std::vector<MethodSpec> kept;
  for (const MethodSpec& method : methods())
    if (keeps_base(method) && method.type != "pissa" && method.type != "freeze") kept.push_back(method);
  check_turns(serving_options(Precision::bf16, Quantization::nf4), kept);
}

TEST_CASE("the weights that adapters share are the very ones of the base") {
  std::vector<MethodSpec> adapters;
  for (const MethodSpec& method : methods())
    if (leaves_base(method)) adapters.push_back(method);
  REQUIRE(adapters.size() > 10);
  Served served(serving_options(Precision::fp32, Quantization::none), adapters);
  const PackedBatch batch = random_batch(served.config, {kTokens}, 3);
  const at::Tensor before = served.base->logits(batch, AdapterUse::off);
  served.base->randomize(11);  // writes over the weights in place: whoever shares them computes with the new ones
  const at::Tensor after = served.base->logits(batch, AdapterUse::off);
  REQUIRE(!after.equal(before));
  for (size_t i = 0; i < adapters.size(); ++i) {
    CAPTURE(i);
    CAPTURE(adapters[i].type);
    CHECK(served.guests[i]->logits(batch, AdapterUse::off).equal(after));
    CHECK(served.alone[i]->logits(batch, AdapterUse::off).equal(before));
  }
}

TEST_CASE("an adapter over a shared base adds its own tensors to memory, not the base's") {
  const DecoderOptions common = serving_options(Precision::fp32, Quantization::none);
  const std::vector<MethodSpec> all = methods();
  const Served served(common, all);
  const int64_t base = Decoder(served.config, common).memory_use().weights_bytes;
  for (size_t i = 0; i < all.size(); ++i) {
    CAPTURE(all[i].type);
    const int64_t guest = served.guests[i]->memory_use().weights_bytes,
                  alone = served.alone[i]->memory_use().weights_bytes;
    if (leaves_base(all[i]))
      CHECK(guest <= alone - base);
    else if (all[i].type == "full")
      CHECK(guest == alone);
    else
      CHECK(guest < alone);
  }
}

}  // namespace
}  // namespace collie::test
