// Rows of core/model/families: what config.json texts as they are published mean, key by key.
#include "core/model/families/family.h"

#include <doctest/doctest.h>

#include <cmath>
#include <set>

#include "core/model/describe.h"
#include "core/model/model_config.h"
#include "core/model/model_names.h"
#include "core/plan/model_tensors.h"
#include "support.h"

namespace collie {
namespace {

using nlohmann::json;

json base(const char* architecture) {
  return {{"architectures", {architecture}},
          {"hidden_size", 64},
          {"intermediate_size", 128},
          {"num_hidden_layers", 6},
          {"num_attention_heads", 4},
          {"num_key_value_heads", 2},
          {"vocab_size", 100},
          {"max_position_embeddings", 512},
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
  const json published = with(base("Qwen2ForCausalLM"),
                              {{"use_sliding_window", false}, {"sliding_window", 32768}, {"max_window_layers", 4}});
  const ModelConfig config = ModelConfig::parse(published);
  CHECK(has(config, "model.layers.0.self_attn.q_proj.bias"));
  CHECK_FALSE(has(config, "model.layers.0.self_attn.o_proj.bias"));
  CHECK(windows(config) == std::vector<int64_t>(6, 0));
  CHECK(windows(ModelConfig::parse(with(published, {{"use_sliding_window", true}}))) ==
        std::vector<int64_t>{0, 0, 0, 0, 32768, 32768});
}

TEST_CASE("families: Qwen3 norms heads of 128, whatever the hidden size") {
  const ModelConfig config = ModelConfig::parse(base("Qwen3ForCausalLM"));
  CHECK(config.head_dim == 128);
  CHECK(has(config, "model.layers.5.self_attn.k_norm.weight"));
  CHECK_FALSE(has(config, "model.layers.0.self_attn.q_proj.bias"));
}

TEST_CASE("families: Gemma 3 in its old and its new form") {
  const json old = with(base("Gemma3ForCausalLM"), {{"rope_theta", 1e6},
                                                    {"rope_local_base_freq", 1e4},
                                                    {"sliding_window", 512},
                                                    {"sliding_window_pattern", 3},
                                                    {"query_pre_attn_scalar", 100},
                                                    {"rope_scaling", {{"rope_type", "linear"}, {"factor", 8.0}}}});
  json current = old;
  for (const char* key : {"rope_theta", "rope_local_base_freq", "sliding_window_pattern", "rope_scaling"})
    current.erase(key);
  current["layer_types"] = {"sliding_attention", "sliding_attention", "full_attention",
                            "sliding_attention", "sliding_attention", "full_attention"};
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
  const json text = with(base("Phi3ForCausalLM"),
                         {{"original_max_position_embeddings", 128},
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

TEST_CASE("families: ChatGLM by its own keys, InternLM by its rotary, MiniCPM by its scales") {
  const json glm = {{"architectures", {"ChatGLMForConditionalGeneration"}},
                    {"hidden_size", 64},
                    {"ffn_hidden_size", 128},
                    {"num_layers", 3},
                    {"num_attention_heads", 4},
                    {"multi_query_attention", true},
                    {"multi_query_group_num", 2},
                    {"kv_channels", 16},
                    {"padded_vocab_size", 100},
                    {"seq_length", 512},
                    {"layernorm_epsilon", 1e-5},
                    {"rope_ratio", 500}};
  const ModelConfig config = ModelConfig::parse(glm);
  CHECK(config.n_layers == 3);
  CHECK(config.n_kv_heads == 2);
  CHECK(config.ropes[0].theta == 5e6);
  CHECK(config.rotary_dim() == 8);
  CHECK(has(config, "model.layers.0.self_attn.k_proj.bias"));
  for (const json& change : {json{{"position_encoding_2d", true}}, json{{"quantization_bit", 4}},
                             json{{"multi_query_attention", false}}, json{{"add_bias_linear", true}}})
    CHECK(test::code_of([&] { ModelConfig::parse(with(glm, change)); }) == "model.unsupported_feature");

  const ModelConfig internlm = ModelConfig::parse(
      with(base("InternLMForCausalLM"), {{"rotary", {{"type", "dynamic"}, {"base", 20000}, {"scaling_factor", 2.0}}}}));
  CHECK(internlm.ropes[0].scaling == RopeScaling::dynamic);
  CHECK(internlm.ropes[0].theta == 20000);
  CHECK(has(internlm, "model.layers.0.self_attn.o_proj.bias"));

  const ModelConfig minicpm = ModelConfig::parse(
      with(base("MiniCPMForCausalLM"), {{"scale_emb", 12}, {"scale_depth", 1.4}, {"dim_model_base", 32}}));
  CHECK(minicpm.traits.embedding_scale == 12);
  CHECK(minicpm.traits.logit_scale == 0.5);
  CHECK(minicpm.traits.residual_scale == doctest::Approx(1.4 / std::sqrt(6.0)));
}

TEST_CASE("families: files that group rows and name modules otherwise, both ways") {
  const ModelConfig config = ModelConfig::parse(base("InternLM2ForCausalLM"));  // 4 heads of 16 in 2 groups
  const FilePlace k = file_place(config, "model.layers.3.self_attn.k_proj.weight", 32);
  CHECK(k.name == "model.layers.3.attention.wqkv.weight");
  CHECK(k.file_rows == 128);
  CHECK(k.rows.first == 32);
  CHECK(k.rows.block == 16);
  CHECK(k.rows.stride == 64);
  CHECK(k.rows.count == 2);
  CHECK(file_place(config, "lm_head.weight", 100).name == "output.weight");
  CHECK(file_parts(config, "model.layers.3.feed_forward.w3.weight", 128).at(0).logical ==
        "model.layers.3.mlp.up_proj.weight");
  CHECK(file_parts(config, "model.layers.3.attention.wqkv.weight", 128).size() == 3);
  CHECK(file_module(config, "model.layers.0.self_attn.v_proj") == "model.layers.0.attention.wqkv");
}

std::string table() {
  std::string text =
      "| family | architecture | beside Llama | GGUF import | tensor parallel |\n| --- | --- | --- | --- | --- |\n";
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

TEST_CASE("families: GPT-NeoX's keys, its fused queries, keys and values, and its two ways to add") {
  const json published = with(
      base("GPTNeoXForCausalLM"),
      {{"num_key_value_heads", nullptr}, {"rotary_pct", 0.5}, {"rotary_emb_base", 20000}, {"layer_norm_eps", 1e-3}});
  const ModelConfig config = ModelConfig::parse(published);
  CHECK(config.traits.norm == NormKind::layer);
  CHECK(config.norm_eps == 1e-3);
  CHECK(config.ropes[0].theta == 20000);
  CHECK(config.rotary_dim() == 8);
  CHECK(config.traits.parallel);
  CHECK(!has(config, "model.layers.0.mlp.gate_proj.weight"));
  for (const char* name :
       {"model.norm.bias", "model.layers.5.post_attention_layernorm.bias", "model.layers.5.mlp.up_proj.bias"})
    CHECK(has(config, name));
  const FilePlace k = file_place(config, "model.layers.3.self_attn.k_proj.weight", 64);
  CHECK(k.name == "gpt_neox.layers.3.attention.query_key_value.weight");
  CHECK(k.rows.first == 16);
  CHECK(k.rows.stride == 48);
  CHECK(k.rows.count == 4);
  CHECK(file_place(config, "lm_head.weight", 100).name == "embed_out.weight");
  CHECK(!ModelConfig::parse(with(published, {{"use_parallel_residual", false}})).traits.parallel);
  CHECK(!has(ModelConfig::parse(with(published, {{"attention_bias", false}})), "model.layers.0.self_attn.q_proj.bias"));
}

TEST_CASE("families: Phi's head has a bias, its layers one norm; norms of queries and keys are refused by name") {
  const ModelConfig phi = ModelConfig::parse(base("PhiForCausalLM"));
  CHECK(has(phi, "lm_head.bias"));
  CHECK(!has(phi, "model.layers.0.post_attention_layernorm.weight"));
  CHECK(file_place(phi, "model.layers.0.mlp.up_proj.bias", 128).name == "model.layers.0.mlp.fc1.bias");
  CHECK(file_place(phi, "model.norm.bias", 64).name == "model.final_layernorm.bias");
  for (const char* architecture : {"PhiForCausalLM", "StableLmForCausalLM"})
    CHECK(test::code_of([&] { ModelConfig::parse(with(base(architecture), {{"qk_layernorm", true}})); }) ==
          "model.unsupported_feature");
}

TEST_CASE("families: StableLM with both ways to add, StarCoder 2 with a window") {
  const ModelConfig one =
      ModelConfig::parse(with(base("StableLmForCausalLM"), {{"use_parallel_residual", true}, {"use_qkv_bias", true}}));
  CHECK(!has(one, "model.layers.0.post_attention_layernorm.weight"));
  CHECK(has(one, "model.layers.0.self_attn.q_proj.bias"));
  CHECK(!has(one, "model.layers.0.self_attn.o_proj.bias"));
  CHECK(has(ModelConfig::parse(base("StableLmForCausalLM")), "model.layers.0.post_attention_layernorm.bias"));
  const ModelConfig coder =
      ModelConfig::parse(with(base("Starcoder2ForCausalLM"), {{"sliding_window", 9}, {"norm_epsilon", 1e-4}}));
  CHECK(coder.norm_eps == 1e-4);
  CHECK(coder.tied_embeddings);
  CHECK(windows(coder) == std::vector<int64_t>(6, 9));
  CHECK(file_place(coder, "model.layers.0.mlp.down_proj.weight", 64).name == "model.layers.0.mlp.c_proj.weight");
}

TEST_CASE("families: GPT-J's keys, CodeGen's rows in four blocks, MOSS in bits refused") {
  json published = with(base("CodeGenForCausalLM"), {{"n_embd", 32},
                                                     {"n_layer", 3},
                                                     {"n_head", 4},
                                                     {"n_positions", 50},
                                                     {"n_inner", nullptr},
                                                     {"rotary_dim", 6},
                                                     {"layer_norm_epsilon", 1e-4}});
  for (const char* usual : {"hidden_size", "num_hidden_layers", "num_attention_heads", "max_position_embeddings",
                            "intermediate_size", "head_dim"})
    published.erase(usual);
  const ModelConfig codegen = ModelConfig::parse(published);
  CHECK(codegen.hidden_size == 32);
  CHECK(codegen.intermediate_size == 128);
  CHECK(codegen.max_position == 50);
  CHECK(codegen.rotary_dim() == 6);
  CHECK(codegen.norm_eps == 1e-4);
  CHECK(has(codegen, "lm_head.bias"));
  const FilePlace k = file_place(codegen, "model.layers.1.self_attn.k_proj.weight", 32);
  CHECK(k.name == "transformer.h.1.attn.qkv_proj.weight");
  CHECK(k.rows.first == 16);  // after the values
  CHECK(k.rows.block == 8);
  CHECK(k.rows.stride == 24);
  CHECK(file_place(codegen, "model.norm.bias", 32).name == "transformer.ln_f.bias");
  CHECK(test::code_of([&] { ModelConfig::parse(with(published, {{"n_head", 2}})); }) == "model.bad_config");
  for (const int bits : {4, 8})
    CHECK(test::code_of([&] { ModelConfig::parse(with(base("MossForCausalLM"), {{"wbits", bits}})); }) ==
          "model.unsupported_feature");
}

TEST_CASE("families: GPT-2 stores linears the other way around, and its folders may leave out a prefix") {
  const ModelConfig config = ModelConfig::parse(with(base("GPT2LMHeadModel"), {{"n_positions", 77}}));
  CHECK(config.tied_embeddings);
  CHECK(has(config, "model.embed_positions.weight"));
  CHECK(file_place(config, "model.embed_positions.weight", 77).name == "transformer.wpe.weight");
  const FilePlace v = file_place(config, "model.layers.0.self_attn.v_proj.weight", 64);
  CHECK(v.name == "transformer.h.0.attn.c_attn.weight");
  CHECK(v.transposed);
  CHECK(v.rows.first == 128);
  CHECK(!file_place(config, "model.layers.0.self_attn.v_proj.bias", 64).transposed);
  CHECK(file_parts(config, "h.3.mlp.c_fc.weight", 64).at(0).logical == "model.layers.3.mlp.up_proj.weight");
  CHECK(file_parts(config, "wte.weight", 100).at(0).logical == "model.embed_tokens.weight");
  CHECK(test::code_of([&] {
          ModelConfig::parse(with(base("GPT2LMHeadModel"), {{"scale_attn_by_inverse_layer_idx", true}}));
        }) == "model.unsupported_feature");
}

TEST_CASE("families: the text model out of a config of several modalities") {
  json text = with(base("Gemma3ForCausalLM"), {{"model_type", "gemma3_text"}});
  text.erase("architectures");
  const ModelConfig alone = ModelConfig::parse(with(base("Gemma3ForCausalLM"), {{"tie_word_embeddings", true}}));
  const json whole = {{"architectures", {"Gemma3ForConditionalGeneration"}},
                      {"model_type", "gemma3"},
                      {"text_config", text},
                      {"vision_config", {{"hidden_size", 8}}}};
  const ModelConfig among = ModelConfig::parse(whole);
  CHECK(among.architecture == "Gemma3ForCausalLM");
  CHECK(among.hidden_size == alone.hidden_size);
  CHECK(among.kinds == alone.kinds);
  CHECK(ModelConfig::parse(with(whole, {{"text_config", {{"model_type", "gemma3_text"}, {"hidden_size", 2560}}}}))
            .vocab_size == 262208);
  CHECK(text_config(whole)["architectures"] == json({"Gemma3ForCausalLM"}));
  CHECK(text_config(text) == text);

  const json mistral = {{"architectures", {"Mistral3ForConditionalGeneration"}},
                        {"tie_word_embeddings", false},
                        {"text_config", with(base("MistralForCausalLM"), {{"model_type", "mistral"}})}};
  CHECK(ModelConfig::parse(mistral).architecture == "MistralForCausalLM");
  // Its text model is Gemma, and sees the prompt in both directions.
  const json prefix = {{"architectures", {"PaliGemmaForConditionalGeneration"}},
                       {"text_config", with(base("GemmaForCausalLM"), {{"model_type", "gemma"}})}};
  CHECK(ModelConfig::parse(prefix["text_config"]).family == "gemma");
  CHECK(test::code_of([&] { ModelConfig::parse(prefix); }) == "model.unknown_architecture");
  const json other = {{"architectures", {"Gemma3nForConditionalGeneration"}},
                      {"text_config", {{"model_type", "gemma3n_text"}}}};
  const json error = test::error_of([&] { ModelConfig::parse(other); });
  CHECK(error["code"] == "model.unknown_architecture");
  CHECK(error["message"].get<std::string>().find("per-layer embeddings") != std::string::npos);
  CHECK(test::code_of([&] { ModelConfig::parse({{"architectures", {"X"}}, {"text_config", 3}}); }) ==
        "model.bad_config");
}

TEST_CASE("families: Falcon's three shapes and Cohere 2's layers") {
  const json falcon = base("FalconForCausalLM");
  const ModelConfig small = ModelConfig::parse(with(falcon, {{"multi_query", true}}));
  CHECK(small.n_kv_heads == 1);
  CHECK(!has(small, "model.layers.0.post_attention_layernorm.weight"));
  const ModelConfig large = ModelConfig::parse(with(falcon, {{"new_decoder_architecture", true}, {"num_kv_heads", 2}}));
  CHECK(large.n_kv_heads == 2);
  CHECK(has(large, "model.layers.0.ln_mlp.bias"));
  CHECK(!has(ModelConfig::parse(with(falcon, {{"new_decoder_architecture", true}, {"num_ln_in_parallel_attn", 1}})),
             "model.layers.0.ln_mlp.bias"));
  CHECK(has(ModelConfig::parse(with(falcon, {{"parallel_attn", false}})),
            "model.layers.0.post_attention_layernorm.bias"));
  CHECK(test::code_of([&] { ModelConfig::parse(with(falcon, {{"alibi", true}})); }) == "model.unsupported_feature");
  const ModelConfig cohere =
      ModelConfig::parse(with(base("Cohere2ForCausalLM"), {{"sliding_window", 9}, {"logit_scale", 0.5}}));
  CHECK(windows(cohere) == std::vector<int64_t>{9, 9, 9, 0, 9, 9});
  CHECK(cohere.kinds[3].rope == LayerKind::kNoRotary);
  CHECK(cohere.traits.logit_scale == 0.5);
  CHECK(!has(cohere, "model.norm.bias"));
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
