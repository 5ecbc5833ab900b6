// MPI of this process: started once, ended when the last communicator is gone. Throws what MPI reports as rank.died. Waits in its
// operations are watched once there is a limit.
#pragma once

#define OMPI_SKIP_MPICXX 1
#include <mpi.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "core/base/error.h"
#include "engine/parallel/watchdog.h"

namespace collie {

class MpiRollCall;

class MpiSession {
 public:
  // The one of this process; starts MPI where it has not been. std::logic_error after it has ended.
  static std::shared_ptr<MpiSession> get();
  // The same where MPI has been started, else null.
  static std::shared_ptr<MpiSession> current();
  ~MpiSession();
  MpiSession(const MpiSession&) = delete;
  MpiSession& operator=(const MpiSession&) = delete;

  // Additions in fp32 of bf16 values, sent as their bits.
  MPI_Op bf16_sum() const { return bf16_sum_; }
  MPI_Op bf16_max() const { return bf16_max_; }

  // By all ranks together: see start_watchdog() in world.h.
  void start_watchdog(double limit_seconds, std::function<void(const Error&)> report);
  // Null without a limit.
  Watchdog* watchdog() const { return watchdog_.get(); }

 private:
  MpiSession();
  MPI_Op bf16_sum_ = MPI_OP_NULL, bf16_max_ = MPI_OP_NULL;
  MPI_Comm roll_call_comm_ = MPI_COMM_NULL;
  std::unique_ptr<MpiRollCall> roll_call_;
  std::unique_ptr<Watchdog> watchdog_;  // after what it uses
};

// Throws rank.died with MPI's own words when `status` is not success.
void check_mpi(int status, const std::string& what);

}  // namespace collie
