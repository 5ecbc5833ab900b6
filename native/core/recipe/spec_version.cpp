#include "core/recipe/spec_version.h"

#include <string>

#include "core/base/json_reader.h"

namespace collie {

using nlohmann::json;

namespace {

// Version 1 counted the micro-batches of all data-parallel ranks together, as gradient accumulation is counted nowhere else.
void per_rank_accumulation(json& spec) {
  JsonReader batch = JsonReader(spec).object("batch"), parallel = JsonReader(spec).object("parallel");
  const int64_t all = batch.integer("grad_accum_steps", 1, 4096), ranks = parallel.integer("dp_size", 1);
  if (all % ranks != 0)
    batch.fail("grad_accum_steps", "not_divisible",
               "counts micro-batches of all data-parallel ranks in a spec of version 1 and must be a multiple of "
               "parallel.dp_size, " +
                   std::to_string(ranks) + ", not " + std::to_string(all));
  spec["batch"]["grad_accum_steps"] = all / ranks;
  spec["schemaVersion"] = 2;
}

// It was on for a whole layer or off, and so it is in recipes of other tools.
void checkpointing_level(json& spec) {
  json& written = spec["activation_checkpointing"];
  if (written.is_boolean()) written = written.get<bool>() ? "full" : "off";
}

}  // namespace

json newest_spec(json spec) {
  if (spec.is_object() && spec.value("schemaVersion", json()) == 1) per_rank_accumulation(spec);
  if (spec.is_object() && spec.contains("activation_checkpointing")) checkpointing_level(spec);
  return spec;
}

}  // namespace collie
