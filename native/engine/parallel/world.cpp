#include "engine/parallel/world.h"

#include <ATen/ATen.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <vector>

#include "core/base/error.h"
#include "engine/parallel/process_watchdog.h"

namespace collie {

HostPlace host_place(Communicator& world) {
  constexpr int64_t kLongest = 256;  // HOST_NAME_MAX and its zero fit
  const at::Tensor own = at::zeros({1, kLongest}, at::kByte), all = at::zeros({world.size(), kLongest}, at::kByte);
  gethostname(static_cast<char*>(own.data_ptr()), kLongest - 1);
  world.all_gather(own, all);
  const auto name = [&](int64_t rank) { return std::string(static_cast<const char*>(all[rank].const_data_ptr())); };
  HostPlace place{.host = name(world.rank()), .rank = 0, .size = 0};
  std::vector<std::string> hosts;
  for (int64_t rank = 0; rank < world.size(); ++rank) {
    if (std::ranges::find(hosts, name(rank)) == hosts.end()) hosts.push_back(name(rank));
    if (name(rank) != place.host) continue;
    if (rank < world.rank()) ++place.rank;
    ++place.size;
  }
  place.host_index = std::ranges::find(hosts, place.host) - hosts.begin();
  place.hosts = static_cast<int64_t>(hosts.size());
  return place;
}

// Open MPI's mpirun and Slurm's srun tell it in the environment.
int64_t launched_ranks() {
  for (const char* name : {"OMPI_COMM_WORLD_SIZE", "SLURM_STEP_NUM_TASKS"})
    if (const char* size = std::getenv(name)) return std::max<int64_t>(std::atoll(size), 1);
  return 1;
}

std::shared_ptr<Communicator> launched_world() {
  return launched_ranks() > 1 ? mpi_world() : std::shared_ptr(single_rank());
}

#ifndef COLLIE_NCCL
std::shared_ptr<Communicator> nccl_world(std::shared_ptr<Communicator>, at::Device) {
  throw Error("engine.not_built", "This engine was built without NCCL, which runs on several GPUs need.",
              "Build it for CUDA, where the set-up fetches NCCL: node native/setup.mjs --only cuda");
}
#endif

#ifndef COLLIE_MPI
std::shared_ptr<Communicator> mpi_world() {
  throw Error(
      "engine.not_built", "This engine was built without MPI, which runs of several ranks need.",
      "Install Open MPI (Debian: sudo apt-get install libopenmpi-dev openmpi-bin), then build the engine again: "
      "node native/setup.mjs --only native");
}

void start_watchdog(double, std::function<void(const Error&)>) {}

Watchdog* process_watchdog() { return nullptr; }

void abort_ranks(int) {}
#endif

}  // namespace collie
