#include "core/error.h"
#include "core/file.h"
#include "core/safetensors.h"
#include "engine/checkpoint/export.h"
#include "engine/checkpoint/export_folder.h"

namespace collie {

using nlohmann::json;

namespace {

// Every key PEFT's LoraConfig writes that has a meaning for us, with its neutral value where we have no such option.
json adapter_config(const RunSpec& spec) {
  const MethodSpec& lora = spec.method;
  return {{"peft_type", "LORA"},
          {"task_type", "CAUSAL_LM"},
          {"base_model_name_or_path", spec.model},
          {"revision", nullptr},
          {"inference_mode", true},
          {"r", lora.integer("rank")},
          {"lora_alpha", lora.number("alpha")},
          {"lora_dropout", lora.number("dropout")},
          {"target_modules", lora.texts("target_modules")},
          {"bias", "none"},
          {"fan_in_fan_out", false},
          {"init_lora_weights", true},
          {"use_rslora", false},
          {"use_dora", false},
          {"modules_to_save", nullptr},
          {"layers_to_transform", nullptr},
          {"layers_pattern", nullptr},
          {"rank_pattern", json::object()},
          {"alpha_pattern", json::object()}};
}

std::string peft_name(const std::string& name) { return "base_model.model." + name; }

}  // namespace

void export_adapter(const ExportRequest& request, const RunSpec& spec, const ExportProgress& progress) {
  if (spec.method.type != "lora")
    throw Error("request.invalid", "This run trained all weights, so it has no adapter.",
                "Export it with --kind merged.");
  const SafetensorsFile adapter(checkpoint_weights(request, spec), StoreKind::checkpoint);
  prepare_export_folder(request.out);
  std::vector<TensorSpec> tensors;
  for (const auto& [name, view] : adapter.tensors()) tensors.push_back({peft_name(name), view.dtype, view.shape});
  SafetensorsWriter writer(request.out / "adapter_model.safetensors", tensors);
  size_t done = 0;
  for (const auto& [name, view] : adapter.tensors()) {
    writer.write(peft_name(name), view.bytes);
    progress(static_cast<double>(++done) / static_cast<double>(tensors.size() + 1));
  }
  writer.finish();
  write_file(request.out / "adapter_config.json", adapter_config(spec).dump(2) + "\n");
  progress(1);
}

}  // namespace collie
