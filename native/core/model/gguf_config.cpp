#include "core/model/gguf_config.h"

#include <algorithm>

#include "core/base/error.h"
#include "core/model/families/family.h"
#include "core/model/gguf_keys.h"
#include "core/model/gguf_rope.h"

namespace collie {

using nlohmann::json;
using nlohmann::ordered_json;
using namespace gguf_keys;

namespace {

std::string known_architectures() {
  std::string known;
  for (const Family& family : families())
    if (family.gguf.architecture && known.find(family.gguf.architecture) == std::string::npos)
      known += (known.empty() ? "" : ", ") + std::string(family.gguf.architecture);
  return known;
}

const Family& family_in(const GgufFile& file) {
  const std::string architecture = file.architecture();
  if (const Family* found = find_gguf_family(file)) return *found;
  const std::string known = known_architectures();
  throw Error("model.unknown_architecture",
              architecture.empty() ? "This GGUF file names no architecture."
                                   : "The GGUF architecture " + architecture + " is not known.",
              "Known GGUF architectures: " + known + ".", {{"architecture", architecture}, {"known", known}});
}

void refuse_unsupported(const GgufFile& file, const Family& family) {
  const std::string prefix = family.gguf.architecture + std::string(".");
  if (integer(file, prefix + "expert_count", 0) > 0) fail_feature("experts (" + prefix + "expert_count)");
  if (family.gguf.configure) return;
  // Families that have them read them.
  for (const char* key : {"embedding_scale", "residual_scale", "logit_scale", "attention.scale"})
    if (number(file, prefix + key, 0.0) != 0.0) fail_feature("scaled activations (" + prefix + key + ")");
}

// What changes the results must have arrived in the description.
void check_understood(const GgufFile& file, const std::string& prefix, const ModelConfig& config) {
  const auto any = [&](auto holds) { return std::ranges::any_of(config.kinds, holds); };
  const int64_t turning = integer(file, prefix + "rope.dimension_count", 0);
  const bool rotates = any([](const LayerKind& kind) { return kind.rope != LayerKind::kNoRotary; });
  if (turning != 0 && rotates && turning != config.rotary_dim())
    fail_feature("partial rotary embedding (" + prefix + "rope.dimension_count)");
  const int64_t window = integer(file, prefix + "attention.sliding_window", 0);
  if (window != 0 && window < config.max_position && !any([&](const LayerKind& kind) { return kind.window == window; }))
    fail_feature("a sliding window (" + prefix + "attention.sliding_window)");
}

json token_id(const GgufFile& file, const char* key) {
  const json* value = file.find(key);
  return value && value->is_number_integer() ? *value : json(nullptr);
}

}  // namespace

ordered_json gguf_model_config(const GgufFile& file) {
  const Family& family = family_in(file);
  const std::string prefix = family.gguf.architecture + std::string(".");
  refuse_unsupported(file, family);
  const GgufTensor* embedding = file.find_tensor("token_embd.weight");
  if (!embedding || embedding->shape.size() != 2)
    throw Error("model.missing_tensor", "The GGUF file has no matrix token_embd.weight.",
                "Choose another file of this model.", {{"tensor", "token_embd.weight"}});
  const int64_t heads = integer(file, prefix + "attention.head_count");
  const int64_t width = integer(file, prefix + "embedding_length");
  if (heads == 0) fail_key(prefix + "attention.head_count", "is 0");
  const int64_t head_dim = integer(file, prefix + "attention.key_length", width / heads);
  if (integer(file, prefix + "attention.value_length", head_dim) != head_dim)
    fail_feature("values of another width than keys");
  const int64_t turning = integer(file, prefix + "rope.dimension_count", head_dim);
  const double theta = number(file, prefix + "rope.freq_base", 10000.0);

  ordered_json config;
  config["architectures"] = {family.architecture};
  config["model_type"] = family.family;
  config["hidden_size"] = width;
  config["intermediate_size"] = integer(file, prefix + "feed_forward_length");
  config["num_hidden_layers"] = integer(file, prefix + "block_count");
  config["num_attention_heads"] = heads;
  config["num_key_value_heads"] = integer(file, prefix + "attention.head_count_kv", heads);
  config["head_dim"] = head_dim;
  config["max_position_embeddings"] = integer(file, prefix + "context_length");
  const bool rms = file.find(prefix + "attention.layer_norm_epsilon") == nullptr;
  config[family.defaults.eps_key] =
      number(file, prefix + (rms ? "attention.layer_norm_rms_epsilon" : "attention.layer_norm_epsilon"));
  config["rope_theta"] = theta;
  config["rope_scaling"] = gguf_rope_scaling(file, prefix, theta, turning);
  if (turning != head_dim)
    config["partial_rotary_factor"] = static_cast<double>(turning) / static_cast<double>(head_dim);
  if (family.biases == Biases::settable) {
    config["attention_bias"] = file.find_tensor("blk.0.attn_output.bias") != nullptr;
    config["mlp_bias"] = file.find_tensor("blk.0.ffn_down.bias") != nullptr;
  }
  config["tie_word_embeddings"] = file.find_tensor("output.weight") == nullptr;
  config["vocab_size"] = embedding->shape[0];
  config["bos_token_id"] = token_id(file, "tokenizer.ggml.bos_token_id");
  config["eos_token_id"] = token_id(file, "tokenizer.ggml.eos_token_id");
  config["pad_token_id"] = token_id(file, "tokenizer.ggml.padding_token_id");
  config["torch_dtype"] = "bfloat16";
  if (family.gguf.configure) family.gguf.configure(file, config);
  check_understood(file, prefix, ModelConfig::parse(json(config)));  // before any tensor is converted
  return config;
}

}  // namespace collie
