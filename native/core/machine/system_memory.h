// Memory of the machine, or of the container this process lives in when that one has less.
#pragma once

#include <cstdint>

namespace collie {

struct SystemMemory {
  uint64_t total_bytes = 0;
  uint64_t used_bytes = 0;  // not counting what the system would give back (page cache)
};

// Zeros where the system tells nothing.
SystemMemory read_system_memory();

}  // namespace collie
