// A folder of safetensors files as one set of tensors (safetensors.h).
#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "core/base/error.h"
#include "core/base/json_parse.h"
#include "core/base/json_text.h"
#include "core/formats/safetensors.h"
#include "core/formats/store_errors.h"

namespace collie {

using nlohmann::json;

namespace {

// shard name -> tensors the index puts there
std::map<std::string, std::vector<std::string>> read_index(const std::filesystem::path& path) {
  const auto fail = [&](const std::string& problem) {
    throw Error("model.bad_config", path.string() + ": " + problem + ".", "Download or copy this file again.",
                {{"path", path.string()}});
  };
  const MappedFile file(path);
  const ParsedJson parsed = parse_json(file.bytes());
  if (!parsed.problem.empty()) fail(parsed.problem);
  const json& index = parsed.value;
  if (!index.is_object() || !index.contains("weight_map") || !index["weight_map"].is_object())
    fail("it has no weight_map");
  std::map<std::string, std::vector<std::string>> shards;
  for (const auto& [tensor, shard] : index["weight_map"].items()) {
    const std::string name = shard.is_string() ? shard.get<std::string>() : "";
    // A shard lies beside its index: anything else could reach out of the folder.
    if (name.empty() || name.find('/') != std::string::npos || name.find('\0') != std::string::npos || name == ".." ||
        name == ".")
      fail("shard " + json_text(shard) + " is not a file name");
    shards[name].push_back(tensor);
  }
  if (shards.empty()) fail("its weight_map is empty");
  return shards;
}

// Names of a text model among others, before and since transformers 4.52; longest first.
constexpr std::pair<std::string_view, std::string_view> kTextPrefixes[] = {{"model.language_model.", "model."},
                                                                           {"language_model.model.", "model."},
                                                                           {"language_model.lm_head.", "lm_head."},
                                                                           {"lm_head.", "lm_head."}};

// The name in a folder of the text model alone; nothing: of another modality.
std::optional<std::string> text_name(std::string_view name) {
  for (const auto& [prefix, alone] : kTextPrefixes)
    if (name.starts_with(prefix)) return std::string(alone) + std::string(name.substr(prefix.size()));
  return std::nullopt;
}

bool is_among_others(std::string_view name) {
  return name.starts_with("model.language_model.") || name.starts_with("language_model.model.");
}

}  // namespace

ModelFolder::ModelFolder(const std::filesystem::path& folder) : folder_(folder) {
  const auto single = folder / "model.safetensors", index = folder / "model.safetensors.index.json";
  std::error_code ignored;
  if (std::filesystem::exists(single, ignored)) {
    files_.push_back(std::make_unique<SafetensorsFile>(single));
    tensors_ = files_.back()->tensors();
    keep_text_model();
    return;
  }
  if (!std::filesystem::exists(index, ignored))
    throw Error("model.not_found",
                folder.string() + " holds neither model.safetensors nor model.safetensors.index.json.",
                "Point to a folder in Hugging Face layout with safetensors weights.", {{"path", folder.string()}});
  for (const auto& [shard, names] : read_index(index)) {
    files_.push_back(std::make_unique<SafetensorsFile>(folder / shard));
    for (const std::string& name : names) tensors_.emplace(name, files_.back()->at(name));
  }
  refuse_repeated();
  keep_text_model();
}

void ModelFolder::keep_text_model() {
  among_others_ = std::ranges::any_of(tensors_, [](const auto& tensor) { return is_among_others(tensor.first); });
  if (!among_others_) return;
  std::map<std::string, TensorView> text;
  for (const auto& [name, view] : tensors_) {
    const std::optional<std::string> alone = text_name(name);
    if (!alone) {
      left_out_.push_back(name);
      continue;
    }
    TensorView renamed = view;
    renamed.name = *alone;
    if (!text.emplace(*alone, renamed).second)
      throw Error("model.bad_tensor", folder_.string() + ": tensor " + *alone + " is there under two names.",
                  "Download or copy the folder again.",
                  {{"path", folder_.string()}, {"tensor", *alone}, {"reason", "repeated"}});
  }
  tensors_ = std::move(text);
}

// Which of two would count depends on the order in which a program reads the shards.
void ModelFolder::refuse_repeated() const {
  std::map<std::string, const SafetensorsFile*> seen;
  for (const auto& file : files_)
    for (const auto& [name, tensor] : file->tensors()) {
      const auto [first, added] = seen.emplace(name, file.get());
      if (added) continue;
      const std::string one = first->second->path().filename().string(), other = file->path().filename().string();
      throw Error("model.bad_tensor",
                  folder_.string() + ": tensor " + name + " is in " + one + " and in " + other + ".",
                  "The shards are of two models or two versions. Download or copy the folder again.",
                  {{"path", folder_.string()}, {"tensor", name}, {"reason", "repeated"}});
    }
}

std::vector<std::string> ModelFolder::stored_names() const {
  const std::set<std::string> others(left_out_.begin(), left_out_.end());
  std::vector<std::string> names;
  for (const auto& file : files_)
    for (const auto& [name, tensor] : file->tensors())
      if (!others.contains(name)) names.push_back(among_others_ ? text_name(name).value_or(name) : name);
  return names;
}

const TensorView* ModelFolder::find(const std::string& name) const {
  const auto found = tensors_.find(name);
  return found == tensors_.end() ? nullptr : &found->second;
}

const TensorView& ModelFolder::at(const std::string& name) const {
  if (const TensorView* tensor = find(name)) return *tensor;
  StoreErrors{folder_, StoreKind::model}.missing(name);
}

const TensorView& ModelFolder::at(const std::string& name, std::span<const int64_t> shape) const {
  const TensorView& tensor = at(name);
  StoreErrors{folder_, StoreKind::model}.check_shape(tensor, shape);
  return tensor;
}

uint64_t ModelFolder::size_bytes() const {
  uint64_t total = 0;
  for (const auto& file : files_) total += file->size_bytes();
  return total;
}

}  // namespace collie
