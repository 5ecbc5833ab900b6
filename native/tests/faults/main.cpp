// Ranks that do nothing but talk, until one of them fails: mpirun -n 3 collie-faulty-ranks <fault> <rank> <limit in seconds>.
// The fault of that rank after five rounds: sleep, stop (SIGSTOP), kill (SIGKILL), throw, none (all end well after ten rounds).
// rank 0 writes "round 5" to standard output when that comes.
#include <ATen/ATen.h>
#include <ATen/Parallel.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "core/base/error_line.h"
#include "engine/parallel/parallel.h"

namespace collie {

namespace {

void fail(const std::string& fault) {
  if (fault == "sleep")
    while (true) pause();
  if (fault == "stop") raise(SIGSTOP);
  if (fault == "kill") raise(SIGKILL);
  if (fault == "throw") throw Error("train.non_finite", "The loss is not a number.", "Lower the learning rate.");
}

void talk(const std::string& fault, int64_t faulty, double limit) {
  const std::shared_ptr<Communicator> world = mpi_world();
  const Parallel ranks = make_parallel({.dp_size = world->size(), .pipeline_layers = {}, .hang_timeout = limit}, world);
  at::Tensor values = at::ones({1000});
  for (int64_t round = 0; fault != "none" || round < 10; ++round) {
    if (round == 5 && world->rank() == 0) {
      std::puts("round 5");
      std::fflush(stdout);
    }
    if (round == 5 && world->rank() == faulty) fail(fault);
    ranks.dp->all_reduce(values);
    values.fill_(1);
  }
}

}  // namespace

}  // namespace collie

int main(int count, char** words) {
  if (count != 4) return 2;
  at::set_num_threads(1);
  try {
    collie::talk(words[1], std::atoll(words[2]), std::atof(words[3]));
    return 0;
  } catch (const collie::Error& error) {
    collie::print_error(error);
  } catch (const std::exception& error) {
    collie::print_error(collie::Error("internal", error.what()));
  }
  collie::abort_ranks(1);
  return 1;
}
