#include <doctest/doctest.h>

#include <algorithm>

#include "core/base/error.h"
#include "engine/generate/batch_generator.h"
#include "model_reference.h"

using namespace collie;

namespace {

DecoderOptions options() {
  DecoderOptions o;
  o.precision = Precision::fp32;
  o.purpose = Purpose::serve;
  o.capacity_tokens = o.max_document = 8;  // prompts take several chunks
  return o;
}

std::vector<GenerationRequest> requests(double temperature) {
  std::vector<GenerationRequest> all;
  for (int32_t i = 0; i < 7; ++i) {
    GenerationRequest& request = all.emplace_back();
    for (int32_t j = 0; j < 3 + 4 * (i % 4); ++j) request.ids.push_back((7 * i + 3 * j) % 60);
    request.max_new_tokens = 1 + 3 * (i % 3);
    request.sampling.temperature = temperature;
    request.sampling.seed = static_cast<uint64_t>(i);
    request.stop_ids = {11, 12, 13, 14, 15};
  }
  return all;
}

}  // namespace

TEST_CASE("answers under way together are those of one after another") {
  Decoder decoder(test::tiny_config({.window = 11}), options());
  decoder.randomize(3);
  for (const double temperature : {0.0, 0.9}) {
    const std::vector<GenerationRequest> all = requests(temperature);
    Generator one(decoder, AdapterUse::on, 40, 8);
    for (const int64_t at_once : {1, 3, 7, 8}) {
      CAPTURE(temperature);
      CAPTURE(at_once);
      std::vector<int64_t> told;
      const std::vector<Answer> answers =
          BatchGenerator(decoder, AdapterUse::on, at_once, 40).run(all, [&](int64_t done) {
            told.push_back(done);
            return Next::go_on;
          });
      REQUIRE(answers.size() == all.size());
      CHECK(std::ranges::is_sorted(told));
      for (size_t i = 0; i < all.size(); ++i) {
        std::vector<int32_t> expected;
        const Finish finish =
            one.run(all[i], {[&](int32_t token) { expected.push_back(token); }, [] { return Next::go_on; }});
        CAPTURE(i);
        CHECK(answers[i].ids == expected);
        CHECK(answers[i].finish == finish);
      }
    }
  }
}

TEST_CASE("a batch of answers can be cancelled, and refuses what does not fit before it begins") {
  Decoder decoder(test::tiny_config(), options());
  decoder.randomize(3);
  std::vector<GenerationRequest> all = requests(0);
  BatchGenerator generator(decoder, AdapterUse::on, 2, 40);
  int64_t calls = 0;
  const std::vector<Answer> answers =
      generator.run(all, [&](int64_t) { return ++calls > 4 ? Next::cancel : Next::go_on; });
  CHECK(calls == 5);
  CHECK(answers.back().finish == Finish::cancelled);
  all.back().max_new_tokens = 100;
  CHECK_THROWS_AS(generator.run(all, [](int64_t) { return Next::go_on; }), Error);
}
