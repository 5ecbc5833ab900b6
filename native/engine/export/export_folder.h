// What both kinds of export share.
#pragma once

#include <filesystem>

#include "core/recipe/run_spec.h"
#include "engine/export/export.h"
#include "engine/checkpoint/sharded_tensors.h"

namespace collie {

// Makes the folder. Throws path.exists when there is something in it, disk.full, file.unreadable.
void prepare_export_folder(const std::filesystem::path& out);

// The checkpoint's weights, after checking that the checkpoint belongs to this spec. Throws checkpoint.*.
ShardedTensors checkpoint_weights(const ExportRequest& request, const RunSpec& spec);

}  // namespace collie
