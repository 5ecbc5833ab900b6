// All ranks of a run: how a process joins them, where it is among them, and how one ends them all.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "core/base/error_line.h"
#include "engine/parallel/communicator.h"

namespace collie {

// How many ranks mpirun or srun started together with this process; 1 where none did.
int64_t launched_ranks();

// Those ranks; a rank that is alone needs no MPI. Throws what mpi_world() throws.
std::shared_ptr<Communicator> launched_world();

// The ranks that mpirun or srun started; one alone where none did. MPI starts with the first call and ends with the last
// communicator, unless an exception is on its way: then the others must not be told that all is well, and abort_ranks() follows.
// Throws engine.not_built in a build without MPI.
std::shared_ptr<Communicator> mpi_world();

// The same ranks for CUDA tensors, each rank with a device of its own: NCCL for those, `host` for CPU tensors and host values. By all ranks
// together. Throws engine.not_built in a build without NCCL.
std::shared_ptr<Communicator> nccl_world(std::shared_ptr<Communicator> host, at::Device device);

// Ends the job at once, on all ranks and hosts, with this exit status. Returns where this process is the only rank.
void abort_ranks(int status);

// From now on, who waits longer than this for other ranks in a collective or for a message ends the job: the error rank.hung, which names
// what hung and who is missing, goes to `report` on a thread of its own, then all ranks are aborted. To be called by all ranks of the
// world, outside of collectives; again to change it. Without other ranks it does nothing.
void start_watchdog(double limit_seconds, std::function<void(const Error&)> report = print_error);

// Place of a rank among those on its host, and of its host among all.
struct HostPlace {
  std::string host;
  int64_t rank = 0, size = 1;
  int64_t host_index = 0, hosts = 1;
};
// To be called by all ranks of the world.
HostPlace host_place(Communicator& world);

}  // namespace collie
