// What the NCCL communicator is made of: NCCL's own communicators and CUDA events as owners, and its errors as rank.died.
#pragma once

#include <cuda_runtime_api.h>
#include <nccl.h>

#include <memory>
#include <string>

#include "engine/parallel/communicator.h"

namespace collie {

// Throws rank.died with NCCL's own words when `status` is not success.
void check_nccl(ncclResult_t status, const std::string& what);

// Aborts what is under way when it goes while an exception passes, else waits for it.
struct NcclDestroy {
  void operator()(ncclComm_t comm) const;
};
using NcclHandle = std::unique_ptr<ncclComm, NcclDestroy>;

ncclUniqueId new_nccl_id();
// A communicator over all ranks of `host`, on the current device.
NcclHandle nccl_over(Communicator& host);

// A point on a stream. Any thread may ask whether it has been reached.
class CudaPoint {
 public:
  explicit CudaPoint(cudaStream_t stream);
  ~CudaPoint();
  CudaPoint(const CudaPoint&) = delete;
  CudaPoint& operator=(const CudaPoint&) = delete;
  // True after an error, too: that is for the thread to see that uses the device.
  bool reached() const;
  // What comes on this stream waits for the point.
  void hold(cudaStream_t stream) const;

 private:
  cudaEvent_t event_ = nullptr;
};

}  // namespace collie
