// Phi-3, 3.5 and 4: queries, keys and values are one tensor of the file, gate and up another.
#include "core/model/families/family.h"

namespace collie {
namespace {

using namespace config_keys;
using nlohmann::json;

void read_phi3(const json& config, const FamilyDefaults& defaults, ModelConfig& result) {
  result.traits.activation = family::read_activation(config, "hidden_act", "silu");
  result.traits.rotary_share = read_rotary_share(config, 1);
  family::read_plain_rope(config, defaults, result);
  const int64_t window = family::read_window(config, 0);
  if (window != 0) result.kinds.assign(static_cast<size_t>(result.n_layers), {.window = window});
}

constexpr Family kRows[] = {
    {.architecture = "Phi3ForCausalLM", .family = "phi3", .title = "Phi-3, Phi-3.5, Phi-4", .defaults = {.eps = 1e-5}, .read = read_phi3,
     .fused = kFusedQkvAndGateUp},
};

}  // namespace

std::span<const Family> phi_families() { return kRows; }

}  // namespace collie
