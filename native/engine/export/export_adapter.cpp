#include "core/base/error.h"
#include "core/base/file.h"
#include "core/formats/safetensors.h"
#include "engine/checkpoint/checkpoint.h"
#include "engine/export/export.h"
#include "engine/export/export_folder.h"
#include "engine/export/peft_adapter.h"
#include "engine/checkpoint/tensor_io.h"

namespace collie {
namespace {

const PeftFormat& format_of(const MethodSpec& method) {
  if (!has_adapter(method))
    throw Error("request.invalid", "This run trained weights of the model itself, so it has no adapter.",
                "Export it with --kind merged.");
  if (const PeftFormat* format = PeftFormatRegistration::find(method.type)) return *format;
  throw Error("request.invalid", "PEFT has no method " + method.type + ", so there is no adapter that it could load.",
              peft_method(method.type).layer ? "Use the checkpoint itself, here." : "Export it with --kind merged.",
              {{"method", method.type}});
}

// Serial adapters are nothing that PEFT has: a folder of our own, tensors under their own names.
void export_serial(const ExportRequest& request, const RunSpec& spec, const ExportProgress& progress) {
  const ShardedTensors trained = checkpoint_weights(request, spec);
  prepare_export_folder(request.out);
  std::vector<TensorSpec> specs;
  for (const auto& [name, tensor] : trained.tensors()) specs.push_back({name, tensor.dtype, tensor.shape});
  SafetensorsWriter writer(request.out / "adapter_model.safetensors", specs);
  for (const auto& [name, tensor] : trained.tensors()) {
    at::Tensor holder;
    writer.write(name, bytes_of(as_tensor(tensor), holder));
  }
  writer.finish();
  const nlohmann::json config = {{"format", 1}, {"method", spec.method_json}, {"base_model_name_or_path", spec.model}};
  write_file(request.out / "collie_adapter.json", config.dump(2) + "\n");
  progress(1);
}

}  // namespace

void export_adapter(const ExportRequest& request, const RunSpec& spec, const ExportProgress& progress) {
  if (peft_method(spec.method.type).layer) return export_serial(request, spec, progress);
  const PeftFormat& format = format_of(spec.method);
  const ShardedTensors trained = checkpoint_weights(request, spec);
  const ModelConfig model = ModelConfig::load(spec.model);
  const TrainedWeights weights =
      trained_weights(spec, model, trained, CheckpointStore(request.run_folder).read_meta(request.checkpoint).step);
  prepare_export_folder(request.out);
  const std::vector<LazyTensor> tensors = peft_tensors(format, weights);
  std::vector<TensorSpec> specs;
  for (const LazyTensor& tensor : tensors) specs.push_back({tensor.name, DType::F32, tensor.shape});
  SafetensorsWriter writer(request.out / "adapter_model.safetensors", specs);
  size_t done = 0;
  for (const LazyTensor& tensor : tensors) {
    at::Tensor holder;
    writer.write(tensor.name, bytes_of(tensor.value().to(at::kFloat), holder));
    progress(static_cast<double>(++done) / static_cast<double>(tensors.size() + 1));
  }
  writer.finish();
  write_file(request.out / "adapter_config.json", peft_config(format, weights, spec.model).dump(2) + "\n");
  progress(1);
}

}  // namespace collie
