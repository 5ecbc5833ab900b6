// A run without training: the sets of a spec, evaluated on a checkpoint of a run or on the base model. Records and events are those of an
// evaluation in training, at the step of the checkpoint.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "core/recipe/run_spec.h"
#include "engine/train/control.h"
#include "engine/train/journal.h"

namespace collie {

struct EvaluatedCheckpoint {
  std::filesystem::path run;  // folder of the run that made it
  std::string checkpoint;
};

// `spec`: method, model and precision are those of the checkpoint's run; without one (`tuned` nullopt) the base model is evaluated as it is.
// One rank. Returns once all sets are evaluated, or a stop was asked for. Throws model.*, dataset.*, checkpoint.*, memory.insufficient,
// train.non_finite, disk.full.
FinishReason run_evaluation(const std::filesystem::path& run_folder, const RunSpec& spec,
                            const std::optional<EvaluatedCheckpoint>& tuned, Control& control, Journal& journal,
                            at::Device device);

}  // namespace collie
