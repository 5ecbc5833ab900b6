// Rows of core/model/families: what config.json texts as they are published mean, key by key.
#include "core/model/families/family.h"

#include <doctest/doctest.h>

#include <cmath>
#include <set>

#include "core/model/describe.h"
#include "core/model/model_config.h"
#include "core/plan/model_tensors.h"
#include "support.h"

namespace collie {
namespace {

using nlohmann::json;

json base(const char* architecture) {
  return {{"architectures", {architecture}}, {"hidden_size", 64}, {"intermediate_size", 128}, {"num_hidden_layers", 6},
          {"num_attention_heads", 4}, {"num_key_value_heads", 2}, {"vocab_size", 100}, {"max_position_embeddings", 512},
          {"rms_norm_eps", 1e-6}};
}

json with(json config, const json& changes) {
  config.update(changes);
  return config;
}

bool has(const ModelConfig& config, const std::string& name) {
  for (const NamedShape& tensor : model_tensors(config))
    if (tensor.name == name) return true;
  return false;
}

std::vector<int64_t> windows(const ModelConfig& config) {
  std::vector<int64_t> all;
  for (int64_t i = 0; i < config.n_layers; ++i) all.push_back(config.kind(i).window);
  return all;
}

TEST_CASE("families: every row has a name of its own, and its least config.json is read") {
  std::set<std::string> names;
  for (const Family& family : families()) {
    CAPTURE(family.architecture);
    CHECK(names.insert(family.architecture).second);
    CHECK(why_refused(family.architecture).empty());
    const ModelConfig config = ModelConfig::parse(base(family.architecture));
    CHECK(config.family == family.family);
    int64_t elements = 0;
    for (const NamedShape& tensor : model_tensors(config)) {
      int64_t product = 1;
      for (const int64_t size : tensor.shape) product *= size;
      elements += product;
    }
    CHECK(elements == parameter_count(config));
  }
}

TEST_CASE("families: a key that is gone or of another type is one clear error") {
  for (const Family& family : families())
    for (const char* key : {"hidden_size", "num_hidden_layers", "vocab_size"}) {
      CAPTURE(family.architecture);
      json config = base(family.architecture);
      config[key] = "many";
      CHECK(test::code_of([&] { ModelConfig::parse(config); }) == "model.bad_config");
      config.erase(key);
      CHECK(test::code_of([&] { ModelConfig::parse(config); }) == "model.bad_config");
    }
}

TEST_CASE("families: Qwen2 has biases that no key names, and a window only where it is switched on") {
  const json published = with(base("Qwen2ForCausalLM"), {{"use_sliding_window", false}, {"sliding_window", 32768}, {"max_window_layers", 4}});
  const ModelConfig config = ModelConfig::parse(published);
  CHECK(has(config, "model.layers.0.self_attn.q_proj.bias"));
  CHECK_FALSE(has(config, "model.layers.0.self_attn.o_proj.bias"));
  CHECK(windows(config) == std::vector<int64_t>(6, 0));
  CHECK(windows(ModelConfig::parse(with(published, {{"use_sliding_window", true}}))) == std::vector<int64_t>{0, 0, 0, 0, 32768, 32768});
}

TEST_CASE("families: Qwen3 norms heads of 128, whatever the hidden size") {
  const ModelConfig config = ModelConfig::parse(base("Qwen3ForCausalLM"));
  CHECK(config.head_dim == 128);
  CHECK(has(config, "model.layers.5.self_attn.k_norm.weight"));
  CHECK_FALSE(has(config, "model.layers.0.self_attn.q_proj.bias"));
}

TEST_CASE("families: Gemma 3 in its old and its new form") {
  const json old = with(base("Gemma3ForCausalLM"), {{"rope_theta", 1e6}, {"rope_local_base_freq", 1e4}, {"sliding_window", 512},
                                                    {"sliding_window_pattern", 3}, {"query_pre_attn_scalar", 100},
                                                    {"rope_scaling", {{"rope_type", "linear"}, {"factor", 8.0}}}});
  json current = old;
  for (const char* key : {"rope_theta", "rope_local_base_freq", "sliding_window_pattern", "rope_scaling"}) current.erase(key);
  current["layer_types"] = {"sliding_attention", "sliding_attention", "full_attention", "sliding_attention", "sliding_attention", "full_attention"};
  current["rope_parameters"] = {{"full_attention", {{"rope_type", "linear"}, {"factor", 8.0}, {"rope_theta", 1e6}}},
                                {"sliding_attention", {{"rope_type", "default"}, {"rope_theta", 1e4}}}};
  for (const json& text : {old, current}) {
    const ModelConfig config = ModelConfig::parse(text);
    CHECK(windows(config) == std::vector<int64_t>{512, 512, 0, 512, 512, 0});
    CHECK(config.tied_embeddings);
    CHECK(config.attention_scale() == 0.1);
    CHECK(config.ropes[static_cast<size_t>(config.kind(0).rope)] == RopeConfig{.theta = 1e4});
    CHECK(config.ropes[static_cast<size_t>(config.kind(2).rope)].theta == 1e6);
    CHECK(config.ropes[static_cast<size_t>(config.kind(2).rope)].factor == 8);
    CHECK(config.traits.mlp_norm == "pre_feedforward_layernorm");
  }
}

TEST_CASE("families: Phi-3's long rope") {
  const std::vector<double> divisors(8, 2.0);
  const json text = with(base("Phi3ForCausalLM"), {{"original_max_position_embeddings", 128},
                                                   {"rope_scaling", {{"type", "su"}, {"short_factor", divisors}, {"long_factor", divisors}}}});
  const ModelConfig config = ModelConfig::parse(text);
  CHECK(config.ropes[0].scaling == RopeScaling::longrope);
  CHECK(config.ropes[0].attention_factor == doctest::Approx(std::sqrt(1 + std::log(4.0) / std::log(128.0))));
  json wrong = text;
  wrong["rope_scaling"]["long_factor"] = {1, 2, 3};
  CHECK(test::code_of([&] { ModelConfig::parse(wrong); }) == "model.bad_config");
}

TEST_CASE("families: SmolLM3 rotates in three layers of four, Ministral 3 ends at its original length") {
  const ModelConfig config = ModelConfig::parse(base("SmolLM3ForCausalLM"));
  CHECK(config.kind(3).rope == LayerKind::kNoRotary);
  CHECK(config.kind(4).rope == 0);
  const json yarn = {{"rope_type", "yarn"}, {"factor", 4.0}, {"original_max_position_embeddings", 128}};
  CHECK(ModelConfig::parse(with(base("Ministral3ForCausalLM"), {{"rope_parameters", yarn}})).max_position == 128);
}

std::string table() {
  std::string text = "| family | architecture | beside Llama | GGUF import | tensor parallel |\n| --- | --- | --- | --- | --- |\n";
  for (const Family& family : families()) {
    const ModelConfig config = ModelConfig::parse(base(family.architecture));
    std::string traits;
    for (const std::string& trait : describe_traits(config)) traits += (traits.empty() ? "" : ", ") + trait;
    text += std::string("| ") + family.title + " | `" + family.architecture + "` | " + traits + " | " +
            (family.gguf.architecture ? "`" + std::string(family.gguf.architecture) + "`" : "-") + " | " +
            (config.traits.qk_norm == QkNorm::whole ? "no" : "yes") + " |\n";
  }
  return text;
}

TEST_CASE("docs: the table of models is that of the rows") {
  const std::filesystem::path path = test::fixtures().parent_path().parent_path() / "docs" / "models.md";
  std::string text = test::read_text(path);
  const std::string begin = "<!-- families -->\n";
  const size_t from = text.find(begin) + begin.size(), to = text.find("<!-- /families -->");
  REQUIRE(to != std::string::npos);
  if (std::getenv("COLLIE_WRITE_DOCS")) test::write_text(path, text.substr(0, from) + table() + text.substr(to));
  CHECK(test::read_text(path).substr(from).starts_with(table() + "<!-- /families -->"));
}

}  // namespace
}  // namespace collie
