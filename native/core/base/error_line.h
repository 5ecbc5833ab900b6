// An error as the last thing a process says: one JSON line {"error": {code, message, hint, data}} on standard error.
#pragma once

#include "core/base/error.h"

namespace collie {

void print_error(const Error& error);

}  // namespace collie
