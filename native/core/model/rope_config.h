// Rotary settings of a config.json, in every form that files have: at the top ("rope_theta", "rope_scaling"), in "rope_parameters", or
// there by kind of layer.
#pragma once

#include <nlohmann/json.hpp>

#include "core/model/model_traits.h"

namespace collie {

struct RopeDefaults {
  double theta = 10000;
  double rotary_share = 1;
  int64_t max_position = 0;
};

// `layer_type`: "full_attention", "sliding_attention" where "rope_parameters" may tell them apart.
RopeConfig read_rope(const nlohmann::json& config, const RopeDefaults& defaults,
                     const char* layer_type = "full_attention");
// The share of a head that rotates ("partial_rotary_factor").
double read_rotary_share(const nlohmann::json& config, double fallback);

}  // namespace collie
