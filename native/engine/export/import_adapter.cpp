#include "engine/export/import_adapter.h"

#include <algorithm>

#include "core/base/checksum.h"
#include "core/base/error.h"
#include "core/base/json_reader.h"
#include "engine/export/peft_adapter.h"
#include "engine/parallel/gathered.h"

namespace collie {

using nlohmann::json;
namespace fs = std::filesystem;

namespace {

constexpr const char* kSameSettings = "Set the method to what the adapter was made with, or start without it.";

json read_config(const fs::path& path) {
  try {
    return read_json_file(path);
  } catch (const Error& error) {
    throw Error(error.code() == "file.not_found" ? "checkpoint.not_found" : "checkpoint.truncated",
                "method.init_adapter: " + std::string(error.what()),
                "Name a folder with adapter_config.json and adapter_model.safetensors.", {{"path", path.string()}});
  }
}

[[noreturn]] void differs(const fs::path& folder, const std::string& key, const json& theirs, const json& ours) {
  throw Error(
      "checkpoint.mismatch",
      "The adapter in " + folder.string() + " has " + key + " " + theirs.dump() + "; this run has " + ours.dump() + ".",
      kSameSettings, {{"path", folder.string()}, {"key", key}, {"adapter", theirs}, {"run", ours}});
}

bool empty(const json& value) { return value.is_null() || value == false || (value.is_structured() && value.empty()); }

void check_config(const fs::path& folder, const json& theirs, const json& ours, const PeftFormat& format) {
  if (theirs.value("peft_type", json()) != ours.at("peft_type"))
    differs(folder, "peft_type", theirs.value("peft_type", json()), ours.at("peft_type"));
  for (const char* key : format.settled) {
    const json value = theirs.value(key, json());
    if (value != ours.at(key) && !(empty(value) && empty(ours.at(key)))) differs(folder, key, value, ours.at(key));
  }
  for (const char* key : {"rank_pattern", "alpha_pattern"})
    if (const json value = theirs.value(key, json()); !empty(value) && value != ours.value(key, json::object()))
      differs(folder, key, value, ours.value(key, json::object()));
  if (const json bias = theirs.value("bias", json("none")); bias != "none") differs(folder, "bias", bias, "none");
}

// Where the embedding is tied, training it trains the head: an adapter that keeps them apart cannot be continued.
void check_tied_head(PeftFile& file, const fs::path& folder, const at::Tensor& embedding) {
  const std::string head = peft_name("lm_head.weight");
  if (file.find(head) && file.read(head, embedding.sizes()).equal(embedding)) return;
  throw Error("checkpoint.mismatch",
              "The adapter in " + folder.string() +
                  " trains embed_tokens apart from lm_head; this model has one weight for both.",
              "Continue from an adapter without modules_to_save, or one that trained both as one.",
              {{"path", folder.string()}});
}

}  // namespace

void import_adapter(const fs::path& folder, const RunSpec& spec, const ModelConfig& model,
                    const std::vector<NamedTensor>& trained, Contents contents) {
  const PeftFormat* format = PeftFormatRegistration::find(spec.method.type);
  if (!format || format->exported)  // what was made otherwise for PEFT does not come back
    throw Error("request.invalid", "Method " + spec.method.type + " cannot start from an adapter.",
                "Remove method.init_adapter.");
  const fs::path path = folder / "adapter_model.safetensors";
  const Checksums checksums = Checksums::of_folder(folder);
  for (const fs::path& file : {folder / "adapter_config.json", path})
    if (std::error_code ignored; fs::exists(file, ignored)) check_file(checksums, file);
  const json config = read_config(folder / "adapter_config.json");
  PeftFile file(path, spec.method, model);
  const ShardedTensors weights(folder, "adapter_model");
  check_config(folder, config, peft_config(*format, trained_weights(spec, model, weights, 0), spec.model), *format);
  std::vector<at::Tensor> values;
  for (const NamedTensor& tensor : trained) {
    const at::Tensor whole = file.read(format->name(tensor.name), whole_shape(tensor.tensor, tensor.slice));
    values.push_back(part_of(whole, tensor.slice));
    if (model.tied_embeddings && tensor.name == "model.embed_tokens.weight") check_tied_head(file, folder, whole);
  }
  if (contents == Contents::exactly) file.check_all_used();
  for (size_t i = 0; i < trained.size(); ++i) trained[i].tensor.copy_(values[i]);
}

}  // namespace collie
