#include "engine/export/peft_adapter.h"

#include <algorithm>

#include "core/base/error.h"
#include "engine/checkpoint/tensor_io.h"
#include "engine/export/peft_fused.h"
#include "engine/peft/peft_config.h"

namespace collie {

using nlohmann::json;

TrainedWeights trained_weights(const RunSpec& spec, const ModelConfig& model, const ShardedTensors& file,
                               int64_t step) {
  TrainedWeights weights{spec.method, model, {}, step};
  for (const auto& [name, tensor] : file.tensors())
    weights.tensors[name] = {name, tensor.shape, [&tensor = tensor] { return as_tensor(tensor); }};
  return weights;
}

json peft_config(const PeftFormat& format, const TrainedWeights& from, const std::string& base) {
  json config = {{"peft_type", format.peft_type}, {"task_type", "CAUSAL_LM"}, {"base_model_name_or_path", base},
                 {"revision", nullptr},           {"inference_mode", true},   {"auto_mapping", nullptr}};
  format.configure(config, from);
  if (config.contains("target_modules")) peft::configure_fused(config, from);
  return config;
}

std::vector<LazyTensor> peft_tensors(const PeftFormat& format, const TrainedWeights& from) {
  std::vector<LazyTensor> all;
  for (const auto& [name, tensor] : from.tensors) {
    if (!format.exported)
      all.push_back(renamed(format.name(name), tensor));
    else if (std::optional<LazyTensor> made = format.exported(from, tensor))
      all.push_back(std::move(*made));
  }
  all = peft::fuse(from, std::move(all));
  if (tied_and_trained(from)) all.push_back(renamed(peft_name("lm_head.weight"), from.at("model.embed_tokens.weight")));
  return all;
}

PeftFile::PeftFile(const std::filesystem::path& path, const MethodSpec& method, const ModelConfig& model)
    : file_(path, StoreKind::checkpoint), method_(method), model_(model) {}

at::Tensor PeftFile::stored(const std::string& name) {
  used_.push_back(name);
  return as_tensor(file_.at(name));
}

at::Tensor PeftFile::read(const std::string& name, at::IntArrayRef shape) {
  if (std::optional<at::Tensor> part = peft::unfused(*this, method_, model_, name, shape)) return std::move(*part);
  const TensorView& view = file_.at(name, shape);
  used_.push_back(name);
  return as_tensor(view);
}

void PeftFile::check_all_used() const {
  for (const auto& [name, view] : file_.tensors())
    if (std::ranges::find(used_, name) == used_.end())
      throw Error("checkpoint.mismatch",
                  "Tensor " + name + " of " + file_.path().string() + " belongs to nothing that this run trains.",
                  "Choose the target_modules and modules_to_save that the adapter was made with.", {{"tensor", name}});
}

}  // namespace collie
