// Lines on the standard input of a rank that trains or evaluates: {"command": ...} (docs/layers.md).
#pragma once

#include <string>

#include "engine/train/control.h"

namespace collie {

// What is no command is said on standard error, and ignored.
void obey(const std::string& line, Control& control);

}  // namespace collie
