// How much of a layer's activations the backward pass makes again instead of keeping it (Chen et al. 2016, arXiv 1604.06174).
#pragma once

#include <array>
#include <cstddef>
#include <utility>

namespace collie {

// Each level makes again what those before it do. norms: the norms' outputs and the MLP's activation, which cost no matrix product. mlp: the
// gate and up projections as well. attention: queries, keys, values and attention. full: everything but the layer's input.
enum class ActivationCheckpointing { off, norms, mlp, attention, full };

inline constexpr std::array<std::pair<const char*, ActivationCheckpointing>, 5> kCheckpointingLevels = {{
    {"off", ActivationCheckpointing::off},
    {"norms", ActivationCheckpointing::norms},
    {"mlp", ActivationCheckpointing::mlp},
    {"attention", ActivationCheckpointing::attention},
    {"full", ActivationCheckpointing::full},
}};

constexpr const char* level_name(ActivationCheckpointing level) {
  return kCheckpointingLevels[static_cast<size_t>(level)].first;
}

}  // namespace collie
