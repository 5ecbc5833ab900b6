#include "engine/export/export_folder.h"

#include "core/base/error.h"
#include "core/base/json_reader.h"
#include "engine/checkpoint/checkpoint.h"

namespace collie {

namespace fs = std::filesystem;

void prepare_export_folder(const fs::path& out) {
  std::error_code error;
  if (fs::exists(out, error) && (!fs::is_directory(out, error) || !fs::is_empty(out, error)))
    throw Error("path.exists", out.string() + " exists and is not an empty folder; an export overwrites nothing.",
                "Name a folder that does not exist yet.", {{"path", out.string()}});
  fs::create_directories(out, error);
  if (!error) return;
  const bool full = error == std::errc::no_space_on_device;
  throw Error(full ? "disk.full" : "file.unreadable", out.string() + " cannot be made: " + error.message() + ".",
              full ? "Free some disk space, or choose another disk." : "Check the permissions of the folder above it.",
              {{"path", out.string()}});
}

ShardedTensors checkpoint_weights(const ExportRequest& request, const RunSpec& spec) {
  const CheckpointStore store(request.run_folder);
  const CheckpointMeta meta = store.read_meta(request.checkpoint);
  check_matches(meta, spec, read_json_file(fs::path(spec.model) / "config.json"), request.checkpoint);
  return ShardedTensors(store.folder(request.checkpoint), weights_stem(spec.method));
}

}  // namespace collie
