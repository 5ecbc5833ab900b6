#include "engine/export/prompt_format.h"

#include <ATen/ops/addmm.h>
#include <ATen/ops/relu.h>

#include <string>

#include "engine/checkpoint/tensor_io.h"

namespace collie::peft {
namespace {

using nlohmann::json;

constexpr const char* kPromptEmbeddings = "prompt_embeddings";
constexpr const char* kEncoderEmbedding = "prompt_encoder.embedding.weight";

at::Tensor encode(const ShardedTensors& trained) {
  at::Tensor x = as_tensor(trained.at(kEncoderEmbedding));
  for (const int linear : {0, 2, 4}) {
    const std::string name = "prompt_encoder.mlp_head." + std::to_string(linear);
    if (linear > 0) x = at::relu(x);
    x = at::addmm(as_tensor(trained.at(name + ".bias")), x, as_tensor(trained.at(name + ".weight")).t());
  }
  return x;
}

}  // namespace

void configure_prompt(json& config, const TrainedWeights& from) {
  const MethodSpec& method = from.spec.method;
  const ModelConfig& model = from.model;
  const bool prefix = method.type == "prefix_tuning";
  config.update({{"num_virtual_tokens", virtual_tokens(method)},
                 {"num_transformer_submodules", 1},
                 {"num_layers", model.n_layers},
                 {"token_dim", prefix ? model.n_kv_heads * model.head_dim : model.hidden_size},
                 {"num_attention_heads", prefix ? model.n_kv_heads : model.n_heads},
                 {"modules_to_save", nullptr}});
  if (prefix)
    config.update({{"prefix_projection", false},
                   {"encoder_hidden_size", model.n_kv_heads * model.head_dim},
                   {"init_weights", nullptr}});
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

std::optional<PeftTensor> export_prompt(const TrainedWeights& from, const StoredTensor& tensor) {
  if (tensor.name == kPromptEmbeddings)
    return PeftTensor{kPromptEmbeddings, tensor.shape, [&tensor] { return as_tensor(tensor); }};
  if (tensor.name != kEncoderEmbedding) return std::nullopt;  // a part of the encoder
  return PeftTensor{kPromptEmbeddings, tensor.shape, [&from] { return encode(from.file); }};
}

at::Tensor import_prompt(PeftFile& file, const std::string& name, at::IntArrayRef shape) {
  return file.read(name, shape);
}

}  // namespace collie::peft
