#include "core/model/model_names.h"

#include <algorithm>
#include <array>

#include "core/model/families/family.h"
#include "core/model/layer_tensors.h"

namespace collie {
namespace {

// A tensor of the file and what lies in it, row after row.
struct FusedTensor {
  const char* file;
  std::vector<const char*> parts;
};

const std::vector<FusedTensor>& fused_tensors(Fused fused) {
  static const FusedTensor qkv{"self_attn.qkv_proj", {"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"}};
  static const FusedTensor gate_up{"mlp.gate_up_proj", {"mlp.gate_proj", "mlp.up_proj"}};
  static const std::vector<FusedTensor> none, both = {qkv, gate_up}, only_gate_up = {gate_up};
  return fused == Fused::none ? none : fused == Fused::gate_up ? only_gate_up : both;
}

// "model.layers.3." + "mlp.up_proj" + ".weight"; no module for what is in no layer.
struct Name {
  std::string prefix, module, ending;
};

Name split(const std::string& name) {
  constexpr std::string_view kLayers = "model.layers.";
  if (!name.starts_with(kLayers)) return {};
  const size_t module = name.find('.', kLayers.size()), ending = name.rfind('.');
  if (module == std::string::npos || ending <= module) return {};
  return {name.substr(0, module + 1), name.substr(module + 1, ending - module - 1), name.substr(ending)};
}

int64_t rows_of(const ModelConfig& config, const std::string& module) {
  for (const LayerLinear& linear : layer_linears(config, whole_layer(config)))
    if (linear.module == module) return linear.out;
  return 0;
}

}  // namespace

FilePlace file_place(const ModelConfig& config, const std::string& logical, int64_t rows) {
  const Name name = split(logical);
  for (const FusedTensor& fused : fused_tensors(family_of(config).fused)) {
    if (std::ranges::find(fused.parts, name.module) == fused.parts.end()) continue;
    FilePlace place{name.prefix + fused.file + name.ending};
    for (const char* part : fused.parts) {
      if (name.module == part) place.first_row = place.file_rows, place.rows = rows_of(config, part);
      place.file_rows += rows_of(config, part);
    }
    return place;
  }
  return {logical, 0, rows, rows};
}

std::vector<FilePart> file_parts(const ModelConfig& config, const std::string& file_name, int64_t file_rows) {
  const Name name = split(file_name);
  for (const FusedTensor& fused : fused_tensors(family_of(config).fused)) {
    if (name.module != fused.file) continue;
    std::vector<FilePart> parts;
    int64_t first = 0;
    for (const char* part : fused.parts) {
      parts.push_back({name.prefix + part + name.ending, first, rows_of(config, part)});
      first += parts.back().rows;
    }
    return parts;
  }
  return {{file_name, 0, file_rows}};
}

TensorView rows_of_view(const TensorView& view, const std::string& name, int64_t first_row, int64_t rows) {
  TensorView part = view;
  const size_t row_bytes = view.bytes.size() / static_cast<size_t>(view.shape.at(0));
  part.name = name;
  part.shape[0] = rows;
  part.bytes = view.bytes.subspan(static_cast<size_t>(first_row) * row_bytes, static_cast<size_t>(rows) * row_bytes);
  return part;
}

TensorView ModelFiles::at(const std::string& logical, std::span<const int64_t> shape) const {
  const FilePlace place = file_place(config_, logical, shape[0]);
  std::vector<int64_t> file_shape(shape.begin(), shape.end());
  file_shape[0] = place.file_rows;
  const TensorView& view = folder_.at(place.name, file_shape);
  return place.whole() ? view : rows_of_view(view, logical, place.first_row, place.rows);
}

}  // namespace collie
