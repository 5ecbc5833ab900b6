// What a benchmark runs: model, method, optimizer and batches, from the command line.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "core/recipe/run_spec.h"
#include "engine/model/decoder.h"
#include "rank/arguments.h"

namespace collie {

struct BenchOptions {
  std::string model_name;
  ModelConfig config;
  std::optional<std::filesystem::path> weights;  // nullopt: random ones
  DecoderOptions decoder;
  OptimizerSpec optimizer;
  std::vector<PackedBatch> batches;
  std::optional<std::filesystem::path> profile;  // where the trace of one step more goes
  bool forward_only = false;                     // losses without gradients, as an evaluation computes them
  int64_t steps = 0;
  int64_t warmup = 0;
};

// Names of all options, for Arguments.
std::vector<std::string> bench_option_names();

// Throws UsageError, spec.invalid, model.*, device.unavailable.
BenchOptions bench_options(const Arguments& arguments);

}  // namespace collie
