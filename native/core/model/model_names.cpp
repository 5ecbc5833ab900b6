#include "core/model/model_names.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "core/model/families/family.h"
#include "core/model/layer_tensors.h"

namespace collie {
namespace {

constexpr const char* kLayers = "model.layers.";

// "3." + "mlp.up_proj" + ".weight"; no module for what is in no layer.
struct Name {
  std::string layer, module, ending;
};

Name split(const std::string& name, std::string_view layers) {
  if (!name.starts_with(layers)) return {};
  const size_t module = name.find('.', layers.size()), ending = name.rfind('.');
  if (module == std::string::npos || ending <= module) return {};
  return {name.substr(layers.size(), module + 1 - layers.size()), name.substr(module + 1, ending - module - 1),
          name.substr(ending)};
}

// Modules that are in no layer, as we and as the files call them.
std::array<ModuleName, 4> outside(const FileNames& names) {
  return {{{"model.embed_tokens", names.embedding},
           {"model.embed_positions", names.positions},
           {"model.norm", names.norm},
           {"lm_head", names.head}}};
}

using Side = const char* ModuleName::*;

// `module` as the other side calls it; itself where both sides call it the same.
std::string translated(const std::string& module, std::span<const ModuleName> names, Side from, Side to) {
  for (const ModuleName& name : names)
    if (module == name.*from) return name.*to;
  return module;
}

std::string outside_name(const std::string& name, const FileNames& names, Side from, Side to) {
  const size_t ending = name.rfind('.');
  if (ending == std::string::npos) return name;
  return translated(name.substr(0, ending), outside(names), from, to) + name.substr(ending);
}

int64_t rows_of(const ModelConfig& config, const std::string& module) {
  for (const LayerLinear& linear : layer_linears(config, whole_layer(config)))
    if (linear.module == module) return linear.out;
  return 0;
}

bool stored_transposed(const ModelConfig& config, const std::string& module, const std::string& ending) {
  return family_of(config).names.transposed && ending == ".weight" && rows_of(config, module) > 0;
}

struct Part {
  const char* module;
  RowBlocks rows;
};

// The parts of a fused tensor in its order, and how many rows it has.
std::vector<Part> parts_of(const ModelConfig& config, const FusedTensor& fused, int64_t& file_rows) {
  std::vector<Part> parts;
  file_rows = 0;
  for (const char* module : fused.parts)
    if (module) file_rows += rows_of(config, module);
  const int64_t blocks = fused.cut == Cut::by_group ? config.n_kv_heads : fused.cut == Cut::in_fours ? 4 : 1;
  int64_t first = 0;
  for (const char* module : fused.parts) {
    if (!module) continue;
    const int64_t block = rows_of(config, module) / blocks;
    parts.push_back({module, {first, block, file_rows / blocks, blocks}});
    first += block;
  }
  return parts;
}

}  // namespace

FilePlace file_place(const ModelConfig& config, const std::string& logical, int64_t rows) {
  const Family& family = family_of(config);
  const RowBlocks all{0, rows, rows, 1};
  const Name name = split(logical, kLayers);
  if (name.module.empty())
    return {outside_name(logical, family.names, &ModuleName::logical, &ModuleName::file), all, rows};
  const std::string prefix = family.names.layers + name.layer;
  const bool transposed = stored_transposed(config, name.module, name.ending);
  for (const FusedTensor& fused : family.fused) {
    FilePlace place{prefix + fused.file + name.ending, {}, 0, transposed};
    for (const Part& part : parts_of(config, fused, place.file_rows))
      if (name.module == part.module) return place.rows = part.rows, place;
  }
  return {
      prefix + translated(name.module, family.names.in_layers, &ModuleName::logical, &ModuleName::file) + name.ending,
      all, rows, transposed};
}

std::vector<FilePart> file_parts(const ModelConfig& config, const std::string& stored, int64_t file_rows) {
  const Family& family = family_of(config);
  const char* lacks = family.names.may_lack;
  const std::string file_name =
      lacks && !stored.starts_with(lacks) && !stored.starts_with(family.names.head) ? lacks + stored : stored;
  const RowBlocks all{0, file_rows, file_rows, 1};
  const Name name = split(file_name, family.names.layers);
  if (name.module.empty())
    return {{outside_name(file_name, family.names, &ModuleName::file, &ModuleName::logical), all}};
  const std::string prefix = kLayers + name.layer;
  for (const FusedTensor& fused : family.fused) {
    if (name.module != fused.file) continue;
    std::vector<FilePart> parts;
    int64_t rows = 0;
    for (const Part& part : parts_of(config, fused, rows)) {
      const std::string module = part.module;
      parts.push_back({prefix + module + name.ending, part.rows, stored_transposed(config, module, name.ending)});
    }
    return parts;
  }
  const std::string module = translated(name.module, family.names.in_layers, &ModuleName::file, &ModuleName::logical);
  if (!stored_transposed(config, module, name.ending)) return {{prefix + module + name.ending, all}};
  const int64_t out = rows_of(config, module);
  return {{prefix + module + name.ending, {0, out, out, 1}, true}};
}

std::string name_in(const ModelFolder& folder, const ModelConfig& config, const std::string& file_name) {
  const char* lacks = family_of(config).names.may_lack;
  if (!lacks || !file_name.starts_with(lacks) || folder.find(file_name)) return file_name;
  const std::string without = file_name.substr(std::strlen(lacks));
  return folder.find(without) ? without : file_name;
}

std::string file_module(const ModelConfig& config, const std::string& logical) {
  constexpr std::string_view kEnding = ".weight";
  const std::string name = file_place(config, logical + std::string(kEnding), 0).name;
  return name.substr(0, name.size() - kEnding.size());
}

TensorView rows_of_view(const TensorView& view, const std::string& name, const RowBlocks& rows,
                        std::vector<std::byte>& gathered) {
  TensorView part = view;
  const size_t row_bytes = view.bytes.size() / static_cast<size_t>(view.shape.at(0));
  const size_t block = static_cast<size_t>(rows.block) * row_bytes;
  const auto place = [&](int64_t k) {
    return view.bytes.subspan(static_cast<size_t>(rows.first + k * rows.stride) * row_bytes, block);
  };
  part.name = name;
  part.shape[0] = rows.rows();
  if (rows.count == 1) {
    part.bytes = place(0);
    return part;
  }
  gathered.clear();
  for (int64_t k = 0; k < rows.count; ++k) gathered.insert(gathered.end(), place(k).begin(), place(k).end());
  part.bytes = gathered;
  return part;
}

TensorView transposed_view(const TensorView& view, std::vector<std::byte>& turned) {
  const auto rows = static_cast<size_t>(view.shape.at(0)), columns = static_cast<size_t>(view.shape.at(1));
  const size_t size = view.bytes.size() / (rows * columns);
  turned.resize(view.bytes.size());
  // Square blocks: both sides stay in the cache.
  constexpr size_t kBlock = 32;
  for (size_t i0 = 0; i0 < rows; i0 += kBlock)
    for (size_t j0 = 0; j0 < columns; j0 += kBlock)
      for (size_t i = i0; i < std::min(rows, i0 + kBlock); ++i)
        for (size_t j = j0; j < std::min(columns, j0 + kBlock); ++j)
          std::memcpy(turned.data() + (j * rows + i) * size, view.bytes.data() + (i * columns + j) * size, size);
  TensorView other = view;
  other.shape = {view.shape[1], view.shape[0]};
  other.bytes = turned;
  return other;
}

const TensorView& ModelFiles::stored(const std::string& logical, std::span<const int64_t> shape) const {
  const FilePlace place = file_place(config_, logical, shape[0]);
  std::vector<int64_t> file_shape(shape.begin(), shape.end());
  file_shape[0] = place.file_rows;
  if (place.transposed) std::swap(file_shape[0], file_shape[1]);
  return folder_.at(name_in(folder_, config_, place.name), file_shape);
}

TensorView ModelFiles::at(const std::string& logical, std::span<const int64_t> shape) {
  const FilePlace place = file_place(config_, logical, shape[0]);
  const TensorView view = place.transposed ? transposed_view(stored(logical, shape), turned_) : stored(logical, shape);
  return place.whole() ? view : rows_of_view(view, logical, place.rows, gathered_);
}

}  // namespace collie
