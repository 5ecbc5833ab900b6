// When a rank waits too long, it asks all others what they are doing: who answers that he waits too is not to blame, who is elsewhere
// or does not answer is. Messages of a communicator of its own, handled on the watchdogs' threads, so that a rank that computes answers
// as well; a process that is stopped, or a host that is gone, does not.
#pragma once

#include <chrono>
#include <deque>
#include <optional>
#include <vector>

#include "engine/parallel/mpi_session.h"
#include "engine/parallel/watchdog.h"

namespace collie {

class MpiRollCall {
 public:
  enum class Presence { silent, elsewhere, waiting };
  struct Answer {
    Presence presence = Presence::silent;
    double seconds = 0;  // of its wait
    char operation[32] = "", group[32] = "";
  };

  // By all ranks together. The communicator stays the caller's.
  explicit MpiRollCall(MPI_Comm comm);

  // Answers whoever has asked, with what this rank waits in. To be called now and then.
  void answer(const std::optional<Waiting>& own);
  // Asks all other ranks, and waits a second for their answers at most; by rank, this one among them. Nothing when another rank asks
  // already: one report is enough, and once the job is being ended its processes no longer tell what it hung on.
  std::optional<std::vector<Answer>> call(const Waiting& own);

 private:
  bool collect(std::vector<Answer>& answers);

  bool another_asks() const;

  MPI_Comm comm_;
  int rank_ = 0;
  int asked_by_ = 0;  // the lowest rank that has asked lately
  std::optional<std::chrono::steady_clock::time_point> asked_at_;
  std::deque<Answer> sent_;  // MPI may still read them
};

// Rank `rank` of the world has waited too long: the error rank.hung that says for whom.
Error hung_error(int64_t rank, const Waiting& waiting, const std::vector<MpiRollCall::Answer>& answers);

}  // namespace collie
