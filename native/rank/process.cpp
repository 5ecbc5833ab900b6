#include "rank/process.h"

#include <ATen/Parallel.h>
#include <c10/util/Exception.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#ifdef __linux__
#include <sched.h>
#endif

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <new>
#include <string>
#include <thread>

namespace collie {

namespace {

// Cores this process may run on: a container or taskset may allow fewer than the machine has.
int usable_cores() {
#ifdef __linux__
  cpu_set_t cores;
  if (sched_getaffinity(0, sizeof cores, &cores) == 0) return CPU_COUNT(&cores);
#endif
  return static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
}

}  // namespace

void set_threads(int64_t threads) {
  at::set_num_threads(threads > 0 ? static_cast<int>(threads) : usable_cores());
  at::set_num_interop_threads(1);
}

void tune_allocator() {
#ifdef __GLIBC__
  mallopt(M_MMAP_THRESHOLD, 1 << 30);
  mallopt(M_TRIM_THRESHOLD, 1 << 30);
  mallopt(M_TOP_PAD, 64 << 20);
  mallopt(M_ARENA_MAX, 2);
#endif
  // The same for a GPU: temporaries whose size changes with every micro-batch would cut its memory into pieces. The user's setting wins.
  setenv("PYTORCH_ALLOC_CONF", "expandable_segments:True", /*overwrite=*/0);
}

Error as_error(const std::exception& thrown) {
  if (const auto* error = dynamic_cast<const Error*>(&thrown)) return *error;
  if (dynamic_cast<const std::bad_alloc*>(&thrown))
    return Error("memory.insufficient", "The system has no more memory for this process.",
                 "Lower batch.micro_batch_size or batch.seq_len, or close other programs.");
  if (const auto* error = dynamic_cast<const std::filesystem::filesystem_error*>(&thrown);
      error != nullptr && error->code() == std::errc::no_space_on_device)
    return Error("disk.full", error->what(), "Free some disk space, then resume the run.");
  if (const auto* error = dynamic_cast<const c10::Error*>(&thrown))
    return Error("internal", error->what_without_backtrace(), "This is a fault in Collie. The log has the details.");
  return Error("internal", thrown.what(), "This is a fault in Collie. The log has the details.");
}

void print_line(const nlohmann::json& line) {
  const std::string text = line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0)
    throw Error("internal", "Standard output is closed.", "Start the command again.");
}

}  // namespace collie
