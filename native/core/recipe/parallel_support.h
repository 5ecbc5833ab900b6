// What cannot be combined with a parallel layout, and why: the refusals of validation, here and in the user interface, and the table of
// the docs are made from the same rows.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/model/model_config.h"
#include "core/recipe/optimizer_rules.h"
#include "core/grid/parallel.h"
#include "core/recipe/peft_methods.h"
#include "core/base/precision.h"

namespace collie {

enum class ParallelAxis { tensor, pipeline, zero };
const char* name_of(ParallelAxis axis);

// A method or optimizer that an axis excludes: tensor: tp_size above 1, pipeline: pp_size above 1, zero: zero_stage from `zero_stage` on.
struct Exclusion {
  const char* field;   // "method.type", "optimizer.type"
  const char* value;
  ParallelAxis axis;
  const char* reason;  // goes on after "because "
  const char* fix;
  int64_t zero_stage = 1;
};
std::span<const Exclusion> exclusions();

struct Refusal {
  std::string path, message, fix;
};

struct ParallelUse {
  const MethodSpec& method;
  const OptimizerSpec& optimizer;
  Quantization quantization = Quantization::none;
  const ParallelSpec& parallel;
  const ModelConfig* model = nullptr;  // null: not read yet, what depends on its sizes is not looked at
};

// All reasons against a layout; empty when it can be used.
std::vector<Refusal> parallel_refusals(const ParallelUse& use);
// Throws spec.invalid with all of them as issues.
void check_parallel(const ParallelUse& use);

}  // namespace collie
