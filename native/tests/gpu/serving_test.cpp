// Serving: conversations over a key-value cache, generated answers, and several adapters over one base.
#include <ATen/ATen.h>
#include <doctest/doctest.h>

#include "core/base/random.h"
#include "engine/generate/generator.h"
#include "engine/peft_support.h"
#include "pair.h"

namespace collie::test {
namespace {

DecoderOptions serving_options(Precision precision) {
  DecoderOptions options;
  options.precision = precision;
  options.capacity_tokens = 16;
  options.max_document = 48;
  return options;
}

TEST_CASE("a conversation: logits of chunks and of single tokens, cut back in between") {
  for (const Precision precision : kPrecisions)
    for (const int64_t window : {0, 7}) {
      const ModelConfig config = tiny_config({.window = window, .head_dim = 64});
      Pair pair(config, serving_options(precision));
      const auto a = pair.cpu->make_cache(48), b = pair.device->make_cache(48);
      const PackedBatch batch = random_batch(config, {45}, 9);
      const std::span<const int32_t> ids = batch.ids_N;
      for (const auto& [begin, count] :
           std::vector<std::pair<size_t, size_t>>{{0, 33}, {33, 1}, {34, 1}, {35, 5}, {20, 3}, {23, 1}}) {
        pair.cpu->truncate(*a, static_cast<int64_t>(begin));
        pair.device->truncate(*b, static_cast<int64_t>(begin));
        const at::Tensor expected = pair.cpu->extend(ids.subspan(begin, count), *a, AdapterUse::off);
        CHECK(relative_error(pair.device->extend(ids.subspan(begin, count), *b, AdapterUse::off), expected) <
              bound(precision));
      }
    }
}

std::vector<int32_t> answer(Decoder& decoder, const std::vector<int32_t>& prompt) {
  Generator generator(decoder, AdapterUse::off, 40, 16);
  std::vector<int32_t> tokens;
  GenerationRequest request{.ids = prompt, .sampling = {}, .max_new_tokens = 12, .stop_ids = {}};
  request.sampling.temperature = 0;
  generator.run(request, {.on_token = [&](int32_t id) { tokens.push_back(id); }, .poll = [] { return Next::go_on; }});
  return tokens;
}

TEST_CASE("greedy answers are the same tokens") {
  const ModelConfig config = tiny_config({.head_dim = 64});
  Pair pair(config, serving_options(Precision::fp32));
  const std::vector<int32_t> tokens = answer(*pair.device, {3, 1, 4, 1, 5, 9, 2, 6});
  CHECK(tokens.size() == 12);
  CHECK(tokens == answer(*pair.cpu, {3, 1, 4, 1, 5, 9, 2, 6}));
}

// Tails of different widths in one weight, in turn.
TEST_CASE("adapters over one base") {
  for (const Precision precision : kPrecisions) {
    DecoderOptions common = serving_options(precision);
    common.capacity_tokens = 48;
    const ModelConfig config = tiny_config({.head_dim = 64});
    Pair base(config, common);
    const std::vector<MethodSpec> methods = {lora_method(3, 6, 0, {"q_proj", "down_proj"}),
                                             lora_method(8, 8, 0, {"v_proj", "up_proj"})};
    std::vector<std::unique_ptr<Decoder>> guests, alone;
    for (size_t i = 0; i < methods.size(); ++i) {
      base.device->make_room(methods[i]);
      DecoderOptions options = common;
      options.method = methods[i];
      {
        const OnCpu cpu;
        alone.push_back(std::make_unique<Decoder>(config, options));
      }
      options.device = device_under_test();
      options.base = base.device.get();
      guests.push_back(std::make_unique<Decoder>(config, options));
      for (Decoder* decoder : {alone.back().get(), guests.back().get()})
        decoder->load(base.folder.path(), {}, AdapterStart::stored);
      Random random(i + 1);
      const auto from = alone.back()->trained_tensors(), to = guests.back()->trained_tensors();
      for (size_t t = 0; t < from.size(); ++t) {
        at::Tensor values = at::empty(from[t].tensor.sizes());
        for (int64_t k = 0; k < values.numel(); ++k)
          values.data_ptr<float>()[k] = static_cast<float>(random.uniform() - 0.5) * 0.3f;
        at::Tensor(from[t].tensor).copy_(values);
        at::Tensor(to[t].tensor).copy_(values);
      }
      for (Decoder* decoder : {alone.back().get(), guests.back().get()}) {
        decoder->bind_base();
        decoder->sync_weights();
      }
    }
    const PackedBatch batch = random_batch(config, {20, 15}, 4);
    const at::Tensor plain = base.cpu->logits(batch, AdapterUse::off);
    for (const size_t i : {0, 1, 0}) {
      guests[i]->sync_weights();
      CHECK(relative_error(guests[i]->logits(batch, AdapterUse::on), alone[i]->logits(batch, AdapterUse::on)) <
            bound(precision));
      CHECK(relative_error(base.device->logits(batch, AdapterUse::off), plain) < bound(precision));
    }
  }
}

}  // namespace
}  // namespace collie::test
