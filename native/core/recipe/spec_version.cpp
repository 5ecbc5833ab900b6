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

}  // namespace

json newest_spec(json spec) {
  if (spec.is_object() && spec.value("schemaVersion", json()) == 1) per_rank_accumulation(spec);
  return spec;
}

}  // namespace collie
