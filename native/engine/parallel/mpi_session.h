// MPI of this process: started once, ended when the last communicator is gone. Throws what MPI reports as rank.died.
#pragma once

#define OMPI_SKIP_MPICXX 1
#include <mpi.h>

#include <cstdint>
#include <memory>
#include <string>

namespace collie {

class MpiSession {
 public:
  // The one of this process; starts MPI where it has not been. std::logic_error after it has ended.
  static std::shared_ptr<MpiSession> get();
  ~MpiSession();
  MpiSession(const MpiSession&) = delete;
  MpiSession& operator=(const MpiSession&) = delete;

  // Additions in fp32 of bf16 values, sent as their bits.
  MPI_Op bf16_sum() const { return bf16_sum_; }
  MPI_Op bf16_max() const { return bf16_max_; }

 private:
  MpiSession();
  MPI_Op bf16_sum_ = MPI_OP_NULL, bf16_max_ = MPI_OP_NULL;
};

// Throws rank.died with MPI's own words when `status` is not success.
void check_mpi(int status, const std::string& what);

}  // namespace collie
