// From a run folder to a finished or stopped training.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "engine/train/control.h"
#include "engine/train/journal.h"

namespace collie {

// Trains the run of this folder, from the beginning, or from the checkpoint `resume`. Threads are set by the caller. Throws
// what its parts throw; checkpoint.mismatch when the run has checkpoints and none is to be resumed (nothing is overwritten).
FinishReason run_training(const std::filesystem::path& run_folder, const RunSpec& spec,
                          const std::optional<std::string>& resume, Control& control, Journal& journal,
                          const Parallel& parallel, at::Device device);

}  // namespace collie
