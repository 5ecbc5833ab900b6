#include "engine/checkpoint/prompt_format.h"

#include <ATen/ops/addmm.h>
#include <ATen/ops/relu.h>

#include <map>
#include <string>

#include "engine/checkpoint/tensor_io.h"

namespace collie::peft {
namespace {

using nlohmann::json;

at::Tensor encode(const SafetensorsFile& trained) {
  at::Tensor x = as_tensor(trained.at("prompt_encoder.embedding.weight"));
  for (const int linear : {0, 2, 4}) {
    const std::string name = "prompt_encoder.mlp_head." + std::to_string(linear);
    if (linear > 0) x = at::relu(x);
    x = at::addmm(as_tensor(trained.at(name + ".bias")), x, as_tensor(trained.at(name + ".weight")).t());
  }
  return x;
}

}  // namespace

const char* prompt_type(const MethodSpec& method) {
  static const std::map<std::string, const char*> types = {
      {"prompt_tuning", "PROMPT_TUNING"}, {"prefix_tuning", "PREFIX_TUNING"}, {"p_tuning", "P_TUNING"}};
  const auto found = types.find(method.type);
  return found == types.end() ? nullptr : found->second;
}

void configure_prompt(json& config, const MethodSpec& method, const ModelConfig& model) {
  const bool prefix = method.type == "prefix_tuning";
  config.update({{"peft_type", prompt_type(method)},
                 {"num_virtual_tokens", virtual_tokens(method)},
                 {"num_transformer_submodules", 1},
                 {"num_layers", model.n_layers},
                 {"token_dim", prefix ? model.n_kv_heads * model.head_dim : model.hidden_size},
                 {"num_attention_heads", prefix ? model.n_kv_heads : model.n_heads},
                 {"modules_to_save", nullptr}});
  if (prefix)
    config.update({{"prefix_projection", false}, {"encoder_hidden_size", model.n_kv_heads * model.head_dim}, {"init_weights", nullptr}});
  else if (method.has("encoder_hidden_size"))
    config.update({{"encoder_reparameterization_type", "MLP"},
                   {"encoder_hidden_size", method.integer("encoder_hidden_size")},
                   {"encoder_num_layers", 2},
                   {"encoder_dropout", 0.0}});
  else
    config.update({{"prompt_tuning_init", "RANDOM"},  // what to start from, which a saved adapter does not
                   {"prompt_tuning_init_text", nullptr},
                   {"tokenizer_name_or_path", nullptr},
                   {"tokenizer_kwargs", nullptr}});
}

at::Tensor prompt_embeddings(const MethodSpec& method, const SafetensorsFile& trained) {
  return method.has("encoder_hidden_size") ? encode(trained) : as_tensor(trained.at(kPromptEmbeddings));
}

}  // namespace collie::peft
