// How the heads of a GGUF model rotate, as the "rope_scaling" of a config.json.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "core/formats/gguf.h"

namespace collie {

// linear and yarn from the keys under `prefix` ("qwen2."), llama3 from the divisors that llama.cpp stores (rope_freqs.weight), longrope from
// its two lists (rope_factors_short.weight and rope_factors_long.weight); null: none. `turning`: elements of a head that rotate.
// model.unsupported_feature: anything else.
nlohmann::json gguf_rope_scaling(const GgufFile& file, const std::string& prefix, double theta, int64_t turning);

// Whether the tensor says how heads rotate, and is none of the weights.
bool is_gguf_rope_tensor(const std::string& name);

}  // namespace collie
