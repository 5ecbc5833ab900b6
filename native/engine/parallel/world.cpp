#include "engine/parallel/world.h"

#include <ATen/ATen.h>
#include <unistd.h>

#include <cstring>

#include "core/error.h"

namespace collie {

HostPlace host_place(Communicator& world) {
  constexpr int64_t kLongest = 256;  // HOST_NAME_MAX and its zero fit
  const at::Tensor own = at::zeros({1, kLongest}, at::kByte), all = at::zeros({world.size(), kLongest}, at::kByte);
  gethostname(static_cast<char*>(own.data_ptr()), kLongest - 1);
  world.all_gather(own, all);
  const auto name = [&](int64_t rank) { return std::string(static_cast<const char*>(all[rank].const_data_ptr())); };
  HostPlace place{.host = name(world.rank()), .rank = 0, .size = 0};
  for (int64_t rank = 0; rank < world.size(); ++rank) {
    if (name(rank) != place.host) continue;
    if (rank < world.rank()) ++place.rank;
    ++place.size;
  }
  return place;
}

#ifndef COLLIE_NCCL
std::shared_ptr<Communicator> nccl_world(std::shared_ptr<Communicator>, at::Device) {
  throw Error("engine.not_built", "This engine was built without NCCL, which runs on several GPUs need.",
              "Build it for CUDA, where the set-up fetches NCCL: node native/setup.mjs --only cuda");
}
#endif

#ifndef COLLIE_MPI
std::shared_ptr<Communicator> mpi_world() {
  throw Error("engine.not_built", "This engine was built without MPI, which runs of several ranks need.",
              "Install Open MPI (Debian: sudo apt-get install libopenmpi-dev openmpi-bin), then build the engine again: "
              "node native/setup.mjs --only native");
}

void start_watchdog(double, std::function<void(const Error&)>) {}

void abort_ranks(int) {}
#endif

}  // namespace collie
