#pragma once

#include "engine/parallel/watchdog.h"

namespace collie {

// The watchdog over this process's waits for other ranks (start_watchdog() in world.h): null where there is none, as in a build without
// MPI. It lives as long as the communicators of the world.
Watchdog* process_watchdog();

}  // namespace collie
