#include "core/library/gguf_convert.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "core/model/gguf_config.h"
#include "core/model/model_config.h"
#include "core/formats/safetensors.h"
#include "gguf_builder.h"
#include "support.h"

namespace collie {
namespace {

using nlohmann::json;
using test::GgufBuilder;
using test::TempFolder;

const auto kGoOn = [](double) { return Continue::yes; };

TEST_CASE("gguf conversion: names, row order and values of the Hugging Face model") {
  const TempFolder folder;
  std::vector<double> fractions;
  gguf_convert(GgufFile(test::fixture("gguf/tiny-llama.gguf")), folder.path(), [&](double fraction) {
    fractions.push_back(fraction);
    return Continue::yes;
  });
  CHECK(std::is_sorted(fractions.begin(), fractions.end()));
  CHECK(fractions.back() == 1.0);
  CHECK(test::files_in(folder.path()) == 2);

  const ModelFolder converted(folder.path());
  const SafetensorsFile expected(test::fixture("gguf/tiny-llama.safetensors"));
  REQUIRE(converted.tensors().size() == expected.tensors().size());
  for (const auto& [name, tensor] : expected.tensors()) {
    CAPTURE(name);
    const TensorView& ours = converted.at(name, tensor.shape);
    CHECK(ours.dtype == DType::BF16);
    CHECK(std::ranges::equal(ours.bytes, tensor.bytes));
  }
  const ModelConfig config = ModelConfig::load(folder.path());
  CHECK(config.hidden_size == 32);
  CHECK(config.intermediate_size == 64);
  CHECK(config.n_layers == 2);
  CHECK(config.n_heads == 4);
  CHECK(config.n_kv_heads == 2);
  CHECK(config.head_dim == 8);
  CHECK(config.max_position == 128);
  CHECK(config.norm_eps == 1e-5);
  CHECK(config.ropes[0].theta == 10000.0);
  CHECK(config.tied_embeddings);
}

TEST_CASE("gguf conversion: cancelled, it leaves nothing") {
  const TempFolder folder;
  const GgufFile file(test::fixture("gguf/tiny-llama.gguf"));
  CHECK(test::code_of([&] { gguf_convert(file, folder.path(), [](double) { return Continue::no; }); }) ==
        "job.cancelled");
  CHECK(test::files_in(folder.path()) == 0);
}

// A model of one layer of width 256 with 3 tokens, all zeros. Missing parts and changes on demand.
struct SmallModel {
  std::string without = {};
  std::string quantized = {};  // this tensor gets the type TQ1_0
  uint32_t heads = 1;

  GgufBuilder build() const {
    GgufBuilder builder;
    builder.text("general.architecture", "llama").number("llama.context_length", 16).number("llama.block_count", 1);
    builder.number("llama.embedding_length", 256)
        .number("llama.feed_forward_length", 256)
        .number("llama.attention.head_count", heads);
    builder.real("llama.attention.layer_norm_rms_epsilon", 1e-6f);
    for (const auto& [name, rows] : std::vector<std::pair<std::string, uint64_t>>{{"token_embd", 3},
                                                                                  {"output_norm", 0},
                                                                                  {"blk.0.attn_norm", 0},
                                                                                  {"blk.0.attn_q", 256},
                                                                                  {"blk.0.attn_k", 256},
                                                                                  {"blk.0.attn_v", 256},
                                                                                  {"blk.0.attn_output", 256},
                                                                                  {"blk.0.ffn_norm", 0},
                                                                                  {"blk.0.ffn_gate", 256},
                                                                                  {"blk.0.ffn_up", 256},
                                                                                  {"blk.0.ffn_down", 256}}) {
      if (name == without) continue;
      const uint64_t count = 256 * std::max<uint64_t>(rows, 1);
      std::vector<uint64_t> dims = {256};
      if (rows) dims.push_back(rows);
      if (name == quantized) {
        builder.tensor(name + ".weight", dims, 34, std::string(count / 256 * 54, '\0'));
      } else {
        builder.tensor(name + ".weight", dims, 1, std::string(count * 2, '\0'));
      }
    }
    return builder;
  }
};

json error_of_model(const GgufBuilder& builder) {
  const TempFolder folder;
  test::write_text(folder / "x.gguf", builder.build());
  return test::error_of([&] { gguf_convert(GgufFile(folder / "x.gguf"), folder.path(), kGoOn); });
}

TEST_CASE("gguf conversion: what cannot be converted is refused by name") {
  CHECK(error_of_model(SmallModel{}.build())["code"] == "none");

  const json missing = error_of_model(SmallModel{.without = "blk.0.attn_v"}.build());
  CHECK(missing["code"] == "model.missing_tensor");
  CHECK(missing["data"]["tensor"] == "blk.0.attn_v.weight");
  CHECK(error_of_model(SmallModel{.without = "token_embd"}.build())["code"] == "model.missing_tensor");

  const json quantized = error_of_model(SmallModel{.quantized = "blk.0.ffn_up"}.build());
  CHECK(quantized["code"] == "gguf.unsupported_type");
  CHECK(quantized["data"]["tensor"] == "blk.0.ffn_up.weight");
  CHECK(quantized["data"]["type"] == "TQ1_0");

  CHECK(error_of_model(SmallModel{}.build().floats("blk.0.attn_q.bias", {256}, std::vector<float>(256)))["code"] ==
        "model.unsupported_feature");
  CHECK(error_of_model(SmallModel{}.build().floats("output.weight", {4}, std::vector<float>(4)))["code"] ==
        "model.bad_tensor");
  CHECK(error_of_model(SmallModel{}.build().number("llama.expert_count", 8))["code"] == "model.unsupported_feature");
  CHECK(error_of_model(SmallModel{}.build().text("llama.rope.scaling.type", "dynamic"))["code"] ==
        "model.unsupported_feature");
  CHECK(error_of_model(SmallModel{}.build().number("llama.attention.sliding_window", 4))["code"] ==
        "model.unsupported_feature");
  CHECK(error_of_model(SmallModel{}.build().number("llama.attention.sliding_window", 16))["code"] ==
        "none");  // as long as the context
  CHECK(error_of_model(SmallModel{}.build().number("llama.attention.head_count_kv", 0))["code"] == "model.bad_config");
  CHECK(error_of_model(GgufBuilder().text("general.architecture", "bert"))["code"] == "model.unknown_architecture");
  CHECK(error_of_model(GgufBuilder())["code"] == "model.unknown_architecture");
}

nlohmann::ordered_json config_of(const GgufBuilder& builder) {
  const TempFolder folder;
  test::write_text(folder / "x.gguf", builder.build());
  return gguf_model_config(GgufFile(folder / "x.gguf"));
}

TEST_CASE("gguf conversion: a part of every head rotates, where the family has that") {
  CHECK(config_of(SmallModel{}.build().number("llama.rope.dimension_count", 64))["partial_rotary_factor"] == 0.25);
  CHECK(!config_of(SmallModel{}.build().number("llama.rope.dimension_count", 256)).contains("partial_rotary_factor"));
}

TEST_CASE("gguf conversion: yarn with its keys, longrope with its lists, and nothing else") {
  const auto yarn = [] {
    GgufBuilder builder = SmallModel{}.build();
    builder.text("llama.rope.scaling.type", "yarn")
        .real("llama.rope.scaling.factor", 4)
        .number("llama.rope.scaling.original_context_length", 4);
    return builder;
  };
  CHECK(config_of(yarn())["rope_scaling"] == json({{"rope_type", "yarn"},
                                                   {"factor", 4.0},
                                                   {"original_max_position_embeddings", 4},
                                                   {"beta_fast", 32.0},
                                                   {"beta_slow", 1.0}}));
  CHECK(config_of(yarn().real("llama.rope.scaling.attn_factor", 1))["rope_scaling"]["factor"] == 4.0);
  CHECK(config_of(yarn().real("llama.rope.scaling.attn_factor",
                              static_cast<float>(0.1 * std::log(4.0) + 1)))["rope_scaling"]["factor"] == 4.0);
  CHECK(error_of_model(yarn().real("llama.rope.scaling.attn_factor", 2))["code"] == "model.unsupported_feature");
  CHECK(config_of(yarn().real("llama.rope.scaling.yarn_log_multiplier", 1))["rope_scaling"]["mscale_all_dim"] == 1.0);
  CHECK(error_of_model(yarn().real("llama.rope.scaling.yarn_log_multiplier", 0.1f))["code"] ==
        "model.unsupported_feature");
  CHECK(error_of_model(SmallModel{}.build().text("llama.rope.scaling.type", "yarn"))["code"] == "model.bad_config");

  const std::vector<float> few(128, 1), many(128, 2);
  const auto lists = [&] {
    return SmallModel{}
        .build()
        .number("llama.rope.scaling.original_context_length", 8)
        .floats("rope_factors_short.weight", {128}, few);
  };
  const auto scaling = config_of(lists().floats("rope_factors_long.weight", {128}, many))["rope_scaling"];
  CHECK(scaling["rope_type"] == "longrope");
  CHECK(scaling["short_factor"] == json(few));
  CHECK(scaling["long_factor"] == json(many));
  CHECK(scaling["original_max_position_embeddings"] == 8);
  CHECK(error_of_model(lists())["code"] == "model.unsupported_feature");
  CHECK(error_of_model(lists().floats("rope_factors_long.weight", {64}, std::vector<float>(64, 2)))["code"] ==
        "model.unsupported_feature");
}

TEST_CASE("gguf conversion: a separate output is lm_head") {
  GgufBuilder builder = SmallModel{}.build();
  builder.tensor("output.weight", {256, 3}, 1, std::string(256 * 3 * 2, '\0'));
  CHECK(config_of(builder)["tie_word_embeddings"] == false);
  CHECK(config_of(SmallModel{}.build())["tie_word_embeddings"] == true);
}

// The divisors llama.cpp's converter stores for "rope_type": "llama3" (Llama 3.1), straight from its definition.
std::vector<float> llama3_divisors(double theta, int dim, double factor, double low, double high, double original) {
  std::vector<float> divisors;
  for (int i = 0; i < dim; i += 2) {
    const double wave = 2 * std::numbers::pi * std::pow(theta, static_cast<double>(i) / dim);
    if (wave < original / high) {
      divisors.push_back(1);
    } else if (wave > original / low) {
      divisors.push_back(static_cast<float>(factor));
    } else {
      const double smooth = (original / wave - low) / (high - low);
      divisors.push_back(static_cast<float>(1 / ((1 - smooth) / factor + smooth)));
    }
  }
  return divisors;
}

TEST_CASE("gguf conversion: rotary scaling is found again") {
  SmallModel model;
  model.heads = 2;  // head_dim 128
  const auto with_divisors = [&](std::vector<float> divisors) {
    GgufBuilder builder = model.build();
    builder.real("llama.rope.freq_base", 500000.0f).floats("rope_freqs.weight", {divisors.size()}, divisors);
    return builder;
  };
  SUBCASE("Llama 3.1 and 3.2") {
    for (const double factor : {8.0, 32.0}) {
      const auto scaling = config_of(with_divisors(llama3_divisors(500000, 128, factor, 1, 4, 8192)))["rope_scaling"];
      CHECK(scaling == json{{"rope_type", "llama3"},
                            {"factor", factor},
                            {"low_freq_factor", 1.0},
                            {"high_freq_factor", 4.0},
                            {"original_max_position_embeddings", 8192}});
    }
  }
  SUBCASE("other corners, in other words: the same divisors") {
    const auto divisors = llama3_divisors(500000, 128, 16, 2, 6, 4096);
    const auto scaling = config_of(with_divisors(divisors))["rope_scaling"];
    const auto again =
        llama3_divisors(500000, 128, scaling["factor"], scaling["low_freq_factor"], scaling["high_freq_factor"],
                        scaling["original_max_position_embeddings"].get<double>());
    REQUIRE(again.size() == divisors.size());
    for (size_t i = 0; i < divisors.size(); ++i) CHECK(again[i] == doctest::Approx(divisors[i]).epsilon(1e-4));
  }
  SUBCASE("all ones is no scaling") {
    CHECK(config_of(with_divisors(std::vector<float>(64, 1)))["rope_scaling"].is_null());
  }
  SUBCASE("anything else is refused") {
    auto divisors = llama3_divisors(500000, 128, 8, 1, 4, 8192);
    divisors[0] = 3;
    CHECK(error_of_model(with_divisors(divisors))["code"] == "model.unsupported_feature");
    CHECK(error_of_model(with_divisors(std::vector<float>(63, 1)))["code"] == "model.unsupported_feature");
  }
  SUBCASE("linear") {
    GgufBuilder builder = model.build();
    builder.text("llama.rope.scaling.type", "linear").real("llama.rope.scaling.factor", 4.0f);
    CHECK(config_of(builder)["rope_scaling"] == json{{"rope_type", "linear"}, {"factor", 4.0}});
  }
}

}  // namespace
}  // namespace collie
