#include <cstring>
#include <optional>

#include "core/base/error.h"
#include "core/base/file.h"
#include "core/base/json_reader.h"
#include "core/formats/safetensors.h"
#include "core/model/model_names.h"
#include "engine/export/export.h"
#include "engine/export/export_folder.h"
#include "engine/export/merge.h"
#include "engine/checkpoint/tensor_io.h"

namespace collie {

namespace fs = std::filesystem;

namespace {

// Tied embeddings are stored once; a base folder may hold the copy all the same, and it would go stale.
bool is_tied_copy(const std::string& name, const ModelConfig& model) {
  return model.tied_embeddings && name == file_module(model, "lm_head") + ".weight";
}

const char* torch_dtype(DType dtype) {
  return dtype == DType::BF16 ? "bfloat16" : dtype == DType::F16 ? "float16" : "float32";
}

// config.json of the base with the dtype that the weights really have.
nlohmann::json merged_config(nlohmann::json config, DType dtype) {
  if (!config.contains("torch_dtype") || config.contains("dtype")) config["dtype"] = torch_dtype(dtype);
  if (config.contains("torch_dtype")) config["torch_dtype"] = torch_dtype(dtype);
  return config;
}

bool same_bytes(std::span<const std::byte> a, std::span<const std::byte> b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size()) == 0;
}

// One tensor of the result: the base's, or one that the base does not have.
struct Output {
  TensorSpec spec;
  const TensorView* base;  // null: added
};

std::vector<Output> outputs_of(const ModelFolder& base, const Merger& merger, const ShardedTensors& trained,
                               const ModelConfig& model, DType dtype) {
  std::vector<Output> all;
  for (const auto& [name, view] : base.tensors())
    if (!is_tied_copy(name, model)) all.push_back({{name, view.dtype, view.shape}, &view});
  for (const std::string& name : merger.added()) all.push_back({{name, dtype, trained.at(name).shape}, nullptr});
  return all;
}

std::span<const std::byte> bytes_for(const Output& output, Merger& merger, at::Tensor& holder) {
  if (!output.base) return bytes_of(merger.added(output.spec.name, output.spec.dtype), holder);
  const std::optional<at::Tensor> merged = merger.merged(*output.base);
  return merged ? bytes_of(*merged, holder) : output.base->bytes;
}

DType format_of(const ModelFolder& base, const ModelConfig& model) {
  const TensorView* embedding = base.find(name_in(base, model, file_module(model, "model.embed_tokens") + ".weight"));
  return embedding ? embedding->dtype : DType::F32;
}

}  // namespace

// The base that is read is that of spec.model, in its own format: a run that trained over 4-bit copies of the weights
// (quantization nf4) is merged into the weights that the copies were made from, as merging into four bits would round the
// update away.
void export_merged(const ExportRequest& request, const RunSpec& spec, const ExportProgress& progress) {
  const ShardedTensors trained = checkpoint_weights(request, spec);
  const ModelConfig model = ModelConfig::load(spec.model);
  check_mergeable(spec.method, model);
  const ModelFolder base(spec.model);
  nlohmann::json config = text_config(read_json_file(fs::path(spec.model) / "config.json"));
  prepare_export_folder(request.out);
  const DType dtype = format_of(base, model);
  Merger merger(trained, spec, model);
  const std::vector<Output> outputs = outputs_of(base, merger, trained, model, dtype);
  std::vector<TensorSpec> specs;
  for (const Output& output : outputs) specs.push_back(output.spec);

  // Writing is the first half of the work, reading back and comparing the second.
  const double work = 2.0 * static_cast<double>(outputs.size());
  const fs::path path = request.out / "model.safetensors";
  {
    SafetensorsWriter writer(path, specs);
    for (size_t i = 0; i < outputs.size(); ++i) {
      at::Tensor holder;
      writer.write(outputs[i].spec.name, bytes_for(outputs[i], merger, holder));
      progress(static_cast<double>(i + 1) / work);
    }
    merger.check_all_used();
    writer.finish();
  }
  configure_merged(config, spec.method, model);
  write_file(request.out / "config.json", merged_config(config, dtype).dump(2) + "\n");

  const SafetensorsFile written(path, StoreKind::checkpoint);
  Merger again(trained, spec, model);
  for (size_t i = 0; i < outputs.size(); ++i) {
    const TensorSpec& tensor = outputs[i].spec;
    at::Tensor holder;
    if (!same_bytes(written.at(tensor.name, tensor.shape).bytes, bytes_for(outputs[i], again, holder)))
      throw Error("file.unreadable",
                  "Tensor " + tensor.name + " of " + path.string() + " reads back differently than it was written.",
                  "Check the disk, then export again.", {{"path", path.string()}, {"tensor", tensor.name}});
    progress((static_cast<double>(outputs.size()) + static_cast<double>(i + 1)) / work);
  }
}

}  // namespace collie
