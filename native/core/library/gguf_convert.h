// From a GGUF file to the weights and config.json of a Hugging Face folder.
#pragma once

#include <filesystem>
#include <functional>

#include "core/formats/gguf.h"

namespace collie {

enum class Continue { yes, no };

// Writes <out_dir>/config.json and <out_dir>/model.safetensors: every tensor dequantized, under the names and in the layout of the family's
// folders (core/library/gguf_mapping.h), rounded to bf16 (nearest, ties to even). out_dir must exist. Memory: one block of rows, and a whole
// matrix where folders have them the other way around. `progress` gets the share of bytes done and says whether to go on; Continue::no ends
// with job.cancelled. Throws what gguf_model_config and map_gguf_tensors throw, and disk.full. Nothing is left behind but a possible
// config.json; the caller converts into a temporary folder.
void gguf_convert(const GgufFile& file, const std::filesystem::path& out_dir,
                  const std::function<Continue(double)>& progress);

}  // namespace collie
