// What concerns the whole process: threads, the allocator, and turning anything thrown into an ErrorInfo.
#pragma once

#include <cstdint>
#include <exception>
#include <nlohmann/json.hpp>

#include "core/base/error.h"

namespace collie {

// Compute threads of this process; 0: all cores it may use. To be called before the first tensor is computed.
void set_threads(int64_t threads);

// Lets large buffers come from the heap and stay there. Without it the system allocator maps and unmaps them at every use,
// and a third of the time goes into page faults. To be called before libtorch allocates.
void tune_allocator();

// Any exception as an Error with a code of the closed set.
Error as_error(const std::exception& thrown);

// One JSON line on standard output, at once. Throws when nobody reads it any more.
void print_line(const nlohmann::json& line);

}  // namespace collie
