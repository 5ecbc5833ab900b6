// Lines of steps (core/formats/step_lines.h).
#pragma once

#include "targets.h"

namespace collie::fuzz {

std::string read_step_lines(Bytes bytes);
std::vector<std::string> step_line_seeds();

}  // namespace collie::fuzz
