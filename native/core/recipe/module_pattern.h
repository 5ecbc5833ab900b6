// Which modules a pattern of the spec names; the same rule as electron/shared/spec/module-pattern.ts.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace collie {

// True when glob(pattern, name) or glob("*." + pattern, name): so "q_proj" names that projection in every layer and
// "layers.1?.mlp.*" the MLPs of layers 10 to 19. `*` stands for any characters, dots too, `?` for one; nothing else is special.
bool matches_module(std::string_view pattern, std::string_view name);

bool matches_any(const std::vector<std::string>& patterns, std::string_view name);

}  // namespace collie
