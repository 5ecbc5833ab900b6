#include "core/model/model_config.h"

#include <doctest/doctest.h>

#include "core/library/model_summary.h"
#include "core/plan/model_tensors.h"
#include "core/formats/safetensors.h"
#include "support.h"

namespace collie {
namespace {

using nlohmann::json;
using test::error_of;

json llama() {
  return {{"architectures", {"LlamaForCausalLM"}},
          {"hidden_size", 64},
          {"intermediate_size", 128},
          {"num_hidden_layers", 2},
          {"num_attention_heads", 4},
          {"num_key_value_heads", 2},
          {"vocab_size", 100},
          {"max_position_embeddings", 512},
          {"rms_norm_eps", 1e-6},
          {"hidden_act", "silu"},
          {"rope_theta", 500000.0}};
}

json with(json config, const json& changes) {
  config.update(changes);
  return config;
}

json without(json config, const char* key) {
  config.erase(key);
  return config;
}

std::string code_of(const json& config) {
  return test::code_of([&] { ModelConfig::parse(config); });
}

TEST_CASE("model config: Llama as older transformers write it") {
  const ModelConfig config = ModelConfig::parse(llama());
  CHECK(config.family == "llama");
  CHECK(config.head_dim == 16);
  CHECK(config.n_kv_heads == 2);
  CHECK(config.ropes[0].theta == 500000.0);
  CHECK(config.ropes[0].scaling == RopeScaling::none);
  CHECK(config.kind(0).window == 0);
  CHECK_FALSE(config.tied_embeddings);
  CHECK(ModelConfig::parse(without(llama(), "num_key_value_heads")).n_kv_heads == 4);
  CHECK(ModelConfig::parse(with(llama(), {{"head_dim", 32}})).head_dim == 32);
  CHECK(ModelConfig::parse(with(llama(), {{"tie_word_embeddings", true}})).tied_embeddings);
  CHECK(ModelConfig::parse(without(llama(), "rope_theta")).ropes[0].theta == 10000.0);
}

TEST_CASE("model config: rotary settings at either place") {
  const json llama3 = {{"rope_type", "llama3"},
                       {"factor", 8.0},
                       {"low_freq_factor", 1.0},
                       {"high_freq_factor", 4.0},
                       {"original_max_position_embeddings", 4096}};
  for (const bool nested : {false, true}) {
    json config = without(llama(), "rope_theta");
    if (nested) {
      config["rope_parameters"] = with(llama3, {{"rope_theta", 7.0}});
    } else {
      config.update({{"rope_theta", 7.0}, {"rope_scaling", llama3}});
    }
    const RopeConfig rope = ModelConfig::parse(config).ropes[0];
    CHECK(rope.theta == 7.0);
    CHECK(rope.scaling == RopeScaling::llama3);
    CHECK(rope.factor == 8.0);
    CHECK(rope.high_freq_factor == 4.0);
    CHECK(rope.original_max_position == 4096);
  }
  const RopeConfig linear =
      ModelConfig::parse(with(llama(), {{"rope_scaling", {{"type", "linear"}, {"factor", 2}}}})).ropes[0];
  CHECK(linear.scaling == RopeScaling::linear);
  CHECK(linear.factor == 2.0);
  const json plain = {{"rope_theta", 5.0}, {"rope_type", "default"}};
  CHECK(ModelConfig::parse(with(llama(), {{"rope_parameters", plain}})).ropes[0].theta == 5.0);
  CHECK(code_of(with(llama(), {{"rope_scaling", {{"rope_type", "spiral"}, {"factor", 2}}}})) ==
        "model.unsupported_feature");
  CHECK(code_of(with(llama(), {{"rope_scaling", {{"rope_type", "linear"}}}})) == "model.bad_config");
  CHECK(code_of(with(llama(), {{"rope_scaling", with(llama3, {{"high_freq_factor", 1.0}})}})) == "model.bad_config");
}

TEST_CASE("model config: Mistral and its window") {
  const json mistral = with(llama(), {{"architectures", {"MistralForCausalLM"}}, {"sliding_window", nullptr}});
  CHECK(ModelConfig::parse(mistral).family == "mistral");
  CHECK(ModelConfig::parse(mistral).kind(0).window == 0);
  CHECK(ModelConfig::parse(with(mistral, {{"sliding_window", 4096}})).kind(0).window == 4096);
  CHECK(ModelConfig::parse(without(mistral, "sliding_window")).kind(0).window == 4096);  // the default of transformers
  CHECK(ModelConfig::parse(with(llama(), {{"sliding_window", 4096}})).kind(0).window == 0);  // Llama has none
}

TEST_CASE("model config: what cannot be trained says why") {
  const json error = error_of([] { ModelConfig::parse(with(llama(), {{"architectures", {"OPTForCausalLM"}}})); });
  CHECK(error["code"] == "model.unknown_architecture");
  CHECK(error["message"].get<std::string>().find("OPTForCausalLM") != std::string::npos);
  CHECK(error["hint"].get<std::string>().find("LlamaForCausalLM, MistralForCausalLM") != std::string::npos);
  CHECK(ModelConfig::parse(with(without(llama(), "architectures"), {{"model_type", "mistral"}})).architecture ==
        "MistralForCausalLM");
  CHECK(ModelConfig::parse(with(llama(), {{"architectures", json::array()}, {"model_type", "llama"}})).family ==
        "llama");
  CHECK(code_of(with(without(llama(), "architectures"), {{"model_type", "bert"}})) == "model.unknown_architecture");
  CHECK(code_of(without(without(llama(), "architectures"), "model_type")) == "model.unknown_architecture");
  const json experts = error_of([] { ModelConfig::parse(with(llama(), {{"architectures", {"MixtralForCausalLM"}}})); });
  CHECK(experts["code"] == "model.unknown_architecture");
  CHECK(experts["message"].get<std::string>().find("mixture of experts") != std::string::npos);
  CHECK(code_of(with(llama(), {{"attention_bias", "yes"}})) == "model.bad_config");
  CHECK(code_of(with(llama(), {{"hidden_act", "quick_gelu"}})) == "model.unsupported_feature");
  CHECK(code_of(with(llama(), {{"quantization_config", {{"quant_method", "gptq"}}}})) == "model.unsupported_feature");
  for (const char* key : {"hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "vocab_size",
                          "max_position_embeddings", "rms_norm_eps"}) {
    const json missing = error_of([&] { ModelConfig::parse(without(llama(), key)); });
    CHECK(missing["code"] == "model.bad_config");
    CHECK(missing["data"]["key"] == key);
    for (const json& bad : {json(0), json(-1), json("8"), json(1e30)})
      CHECK(code_of(with(llama(), {{key, bad}})) ==
            (bad == json(1e30) && key == std::string("rms_norm_eps") ? "none" : "model.bad_config"));
  }
  CHECK(code_of(with(llama(), {{"num_key_value_heads", 3}})) == "model.bad_config");
  CHECK(code_of(with(llama(), {{"num_attention_heads", 5}})) == "model.bad_config");
  CHECK(code_of(with(llama(), {{"head_dim", 15}})) == "model.bad_config");
  CHECK(code_of(json::array()) == "model.bad_config");
}

TEST_CASE("model config: parameter count is that of the tensors") {
  for (const bool tied : {false, true}) {
    const ModelConfig config = ModelConfig::parse(with(llama(), {{"tie_word_embeddings", tied}, {"head_dim", 24}}));
    int64_t total = 0;
    for (const NamedShape& tensor : model_tensors(config)) {
      int64_t elements = 1;
      for (const int64_t dim : tensor.shape) elements *= dim;
      total += elements;
    }
    CHECK(parameter_count(config) == total);
  }
}

// A folder with this config and weights of zeros, `skip` left out, `more` added, all of one dtype.
void write_model(const std::filesystem::path& folder, DType dtype, const std::string& skip = "",
                 const std::vector<std::string>& more = {}) {
  test::write_text(folder / "config.json", llama().dump());
  std::vector<TensorSpec> specs;
  for (const NamedShape& tensor : model_tensors(ModelConfig::parse(llama())))
    if (tensor.name != skip) specs.push_back({tensor.name, dtype, tensor.shape});
  for (const std::string& name : more) specs.push_back({name, dtype, {64}});
  SafetensorsWriter writer(folder / "model.safetensors", specs);
  for (const TensorSpec& spec : specs) {
    size_t bytes = dtype_bytes(dtype);
    for (const int64_t dim : spec.shape) bytes *= static_cast<size_t>(dim);
    writer.write(spec.name, std::span<const std::byte>(std::vector<std::byte>(bytes)));
  }
  writer.finish();
}

TEST_CASE("model summary: checks the whole folder") {
  const test::TempFolder folder;
  const auto code = [&] { return test::code_of([&] { summarize_model(folder.path()); }); };
  CHECK(code() == "model.not_found");
  write_model(folder.path(), DType::F16);
  const ModelSummary summary = summarize_model(folder.path());
  CHECK(summary.dtype == "F16");
  CHECK(summary.parameters == parameter_count(summary.config));
  CHECK(summary.size_bytes == std::filesystem::file_size(folder / "model.safetensors"));
  CHECK(summary.unused.empty());
  write_model(folder.path(), DType::F16, "", {"model.layers.0.self_attn.q_proj.bias", "extra"});
  CHECK(summarize_model(folder.path()).unused ==
        std::vector<std::string>{"extra", "model.layers.0.self_attn.q_proj.bias"});
  write_model(folder.path(), DType::F64);
  CHECK(code() == "model.unsupported_feature");
  write_model(folder.path(), DType::F32, "model.layers.1.mlp.up_proj.weight");
  CHECK(code() == "model.missing_tensor");
  write_model(folder.path(), DType::F32);
  test::write_text(folder / "config.json", with(llama(), {{"vocab_size", 101}}).dump());
  CHECK(code() == "model.bad_tensor");
  test::write_text(folder / "config.json", "{");
  CHECK(code() == "model.bad_config");
  write_model(folder.path(), DType::F32);
  std::filesystem::resize_file(folder / "model.safetensors", 5000);
  CHECK(code() == "model.truncated");
  std::filesystem::remove(folder / "model.safetensors");
  CHECK(code() == "model.not_found");
}

}  // namespace
}  // namespace collie
