// Training that goes on from an adapter in PEFT's format, made by PEFT or by an export of another run.
#pragma once

#include <filesystem>
#include <vector>

#include "core/model/model_config.h"
#include "core/recipe/run_spec.h"
#include "engine/checkpoint/sharded_tensors.h"
#include "engine/peft/parameter.h"

namespace collie {

// Fills the trained tensors of a fresh start from <folder>/adapter_config.json and adapter_model.safetensors. All checks come
// before the first copy. Throws checkpoint.not_found, checkpoint.truncated, and checkpoint.mismatch: another method, settings
// with which the same numbers mean something else (both values named), a tensor missing, too many, or of another shape (both
// shapes named). Contents::more: another pipeline stage has the rest.
void import_adapter(const std::filesystem::path& folder, const RunSpec& spec, const ModelConfig& model,
                    const std::vector<NamedTensor>& trained, Contents contents = Contents::exactly);

}  // namespace collie
