#include "addon/models.h"

#include "addon/promise_worker.h"
#include "addon/values.h"
#include "core/formats/gguf.h"
#include "core/library/model_summary.h"
#include "core/model/describe.h"

namespace collie::addon {

using nlohmann::json;

Napi::Value gguf_info(const Napi::CallbackInfo& info) {
  const Napi::Env env = info.Env();
  const std::string path = string_argument(info, 0, "path");
  return guarded(env, [&]() -> Napi::Value {
    const GgufFile file(path);
    json tensors = json::array();
    for (const GgufTensor& tensor : file.tensors())
      tensors.push_back({{"name", tensor.name},
                         {"shape", tensor.shape},
                         {"type", gguf_type_info(tensor.type)->name},
                         {"bytes", tensor.bytes.size()}});
    Napi::Object metadata = Napi::Object::New(env);
    for (const auto& [key, value] : file.metadata()) metadata[key] = to_js(env, value);
    Napi::Object result = Napi::Object::New(env);
    result["architecture"] = Napi::String::New(env, file.architecture());
    result["metadata"] = metadata;
    result["tensors"] = to_js(env, tensors);
    return result;
  });
}

Napi::Value model_summary(const Napi::CallbackInfo& info) {
  const std::string folder = string_argument(info, 0, "folder");
  return PromiseWorker<ModelSummary>::start(
      info.Env(), [folder] { return summarize_model(folder); },
      [](Napi::Env env, const ModelSummary& summary) {
        const ModelConfig& config = summary.config;
        std::vector<std::string> limits = describe_limits(config);
        if (summary.other_modalities > 0)
          limits.push_back("It sees or hears too, with " + std::to_string(summary.other_modalities) +
                           " tensors that are neither trained nor used: rows are text. A merged export is the text "
                           "model alone, and an adapter fits that.");
        return to_js(env, {{"family", config.family},
                           {"architecture", config.architecture},
                           {"parameters", summary.parameters},
                           {"dtype", summary.dtype},
                           {"layers", config.n_layers},
                           {"hiddenSize", config.hidden_size},
                           {"heads", config.n_heads},
                           {"kvHeads", config.n_kv_heads},
                           {"intermediateSize", config.intermediate_size},
                           {"contextLength", config.max_position},
                           {"vocabSize", config.vocab_size},
                           {"tiedEmbeddings", config.tied_embeddings},
                           {"sizeBytes", summary.size_bytes},
                           {"traits", describe_traits(config)},
                           {"limits", limits},
                           {"fileModules", renamed_linears(config)},
                           {"unusedTensors", summary.unused}});
      });
}

}  // namespace collie::addon
