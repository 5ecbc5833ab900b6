// From a GGUF file to the weights and config.json of a Hugging Face folder.
#pragma once

#include <filesystem>
#include <functional>

#include "core/formats/gguf.h"

namespace collie {

enum class Continue { yes, no };

// Writes <out_dir>/config.json and <out_dir>/model.safetensors: every tensor dequantized, its rotary row order undone
// where llama.cpp changed it, rounded to bf16 (nearest, ties to even). out_dir must exist. Memory: one block of rows,
// not a tensor. `progress` gets the share of bytes done and says whether to go on; Continue::no ends with
// job.cancelled. Throws what gguf_model_config throws, gguf.unsupported_type (tensor and type), model.missing_tensor,
// model.bad_tensor (shape), model.unsupported_feature (a tensor this architecture does not have, e.g. a bias),
// disk.full. Nothing is left behind but a possible config.json; the caller converts into a temporary folder.
void gguf_convert(const GgufFile& file, const std::filesystem::path& out_dir,
                  const std::function<Continue(double)>& progress);

}  // namespace collie
