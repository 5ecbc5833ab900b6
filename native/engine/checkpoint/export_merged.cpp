#include <ATen/ops/add.h>
#include <ATen/ops/mm.h>

#include <cstring>
#include <optional>

#include "core/error.h"
#include "core/file.h"
#include "core/json_reader.h"
#include "core/safetensors.h"
#include "engine/checkpoint/export.h"
#include "engine/checkpoint/export_folder.h"
#include "engine/checkpoint/tensor_io.h"

namespace collie {

namespace fs = std::filesystem;

namespace {

constexpr std::string_view kWeight = ".weight";

// Computes the exported value of one tensor of the base model, in the base's dtype.
class Merger {
 public:
  Merger(const SafetensorsFile& trained, const RunSpec& spec) : trained_(trained), spec_(spec) {}

  // nullopt: training did not touch it, its bytes are copied.
  std::optional<at::Tensor> merged(const TensorView& base) {
    if (!has_adapter(spec_.method)) {
      const TensorView* own = trained_.find(base.name);
      if (own == nullptr) return std::nullopt;
      ++used_;
      return as_tensor(trained_.at(base.name, base.shape)).to(scalar_type(base.dtype));
    }
    if (!base.name.ends_with(kWeight)) return std::nullopt;
    const std::string module = base.name.substr(0, base.name.size() - kWeight.size());
    const TensorView* a = trained_.find(module + ".lora_A.weight");
    const TensorView* b = trained_.find(module + ".lora_B.weight");
    if (a == nullptr || b == nullptr) return std::nullopt;
    used_ += 2;
    const double scale = spec_.method.lora_scale();
    const at::Tensor update = at::mm(as_tensor(*b), as_tensor(*a));
    return at::add(as_tensor(base).to(at::kFloat), update, scale).to(scalar_type(base.dtype));
  }

  // Every trained tensor must have found its place in the base model.
  void check_all_used() const {
    if (used_ == trained_.tensors().size()) return;
    throw Error("checkpoint.mismatch",
                "Only " + std::to_string(used_) + " of " + std::to_string(trained_.tensors().size()) +
                    " trained tensors belong to the base model " + spec_.model + ".",
                "Export with the model that the run was started with.", {{"model", spec_.model}});
  }

 private:
  const SafetensorsFile& trained_;
  const RunSpec& spec_;
  size_t used_ = 0;
};

// Tied embeddings are stored once; a base folder may hold the copy all the same, and it would go stale.
bool is_tied_copy(const std::string& name, const nlohmann::json& config) {
  return name == "lm_head.weight" && config.value("tie_word_embeddings", false);
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

}  // namespace

void export_merged(const ExportRequest& request, const RunSpec& spec, const ExportProgress& progress) {
  const SafetensorsFile trained(checkpoint_weights(request, spec), StoreKind::checkpoint);
  const ModelFolder base(spec.model);
  const nlohmann::json config = read_json_file(fs::path(spec.model) / "config.json");
  prepare_export_folder(request.out);

  std::vector<TensorSpec> tensors;
  DType dtype = DType::F32;
  for (const auto& [name, view] : base.tensors()) {
    if (is_tied_copy(name, config)) continue;
    tensors.push_back({name, view.dtype, view.shape});
    if (name.ends_with("embed_tokens.weight")) dtype = view.dtype;
  }

  // Writing is the first half of the work, reading back and comparing the second.
  const double work = 2.0 * static_cast<double>(tensors.size());
  const fs::path path = request.out / "model.safetensors";
  {
    Merger merger(trained, spec);
    SafetensorsWriter writer(path, tensors);
    for (size_t i = 0; i < tensors.size(); ++i) {
      const TensorView& view = base.at(tensors[i].name);
      at::Tensor holder;
      const std::optional<at::Tensor> merged = merger.merged(view);
      writer.write(view.name, merged ? bytes_of(*merged, holder) : view.bytes);
      progress(static_cast<double>(i + 1) / work);
    }
    merger.check_all_used();
    writer.finish();
  }
  write_file(request.out / "config.json", merged_config(config, dtype).dump(2) + "\n");

  const SafetensorsFile written(path, StoreKind::checkpoint);
  Merger merger(trained, spec);
  for (size_t i = 0; i < tensors.size(); ++i) {
    const TensorView& view = base.at(tensors[i].name);
    at::Tensor holder;
    const std::optional<at::Tensor> merged = merger.merged(view);
    if (!same_bytes(written.at(view.name, view.shape).bytes, merged ? bytes_of(*merged, holder) : view.bytes))
      throw Error("file.unreadable",
                  "Tensor " + view.name + " of " + path.string() + " reads back differently than it was written.",
                  "Check the disk, then export again.", {{"path", path.string()}, {"tensor", view.name}});
    progress((static_cast<double>(tensors.size()) + static_cast<double>(i + 1)) / work);
  }
}

}  // namespace collie
