// A checkpoint in the formats of other tools: an adapter folder as PEFT 0.21 loads it, or a Hugging Face model folder with
// the update merged into the weights. Tokenizer files and model cards are the host's part.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "core/recipe/run_spec.h"

namespace collie {

struct ExportRequest {
  std::filesystem::path run_folder;
  std::string checkpoint;
  std::filesystem::path out;  // does not exist yet, or is empty
};

using ExportProgress = std::function<void(double done)>;

// adapter_config.json and adapter_model.safetensors (fp32) as PEFT writes them for the method, see peft_format.h. Throws
// path.exists, request.invalid (no adapter, or a method that PEFT does not have), checkpoint.*, disk.full.
void export_adapter(const ExportRequest& request, const RunSpec& spec, const ExportProgress& progress);

// config.json and model.safetensors: every tensor of the base in the base's dtype, with what the method changed (merge.h),
// computed in fp32 and rounded once. Works tensor by tensor: never holds more than one besides the mapped files. Reads the
// result back and compares it. Throws path.exists, request.invalid (a method that cannot be merged), model.*, checkpoint.*,
// disk.full.
void export_merged(const ExportRequest& request, const RunSpec& spec, const ExportProgress& progress);

}  // namespace collie
