#include "engine/parallel/nccl_session.h"

#include <ATen/ATen.h>
#include <c10/cuda/CUDAException.h>

#include <cstring>
#include <exception>

#include "core/base/error.h"

namespace collie {

void check_nccl(ncclResult_t status, const std::string& what) {
  if (status == ncclSuccess) return;
  throw Error("rank.died", what + " failed: " + ncclGetErrorString(status) + " (" + ncclGetLastError(nullptr) + ")",
              "Another rank may have ended, or its host may not be reachable. NCCL_DEBUG=INFO in the environment of "
              "the run says more.");
}

void NcclDestroy::operator()(ncclComm_t comm) const {
  if (std::uncaught_exceptions() > 0)
    ncclCommAbort(comm);
  else
    ncclCommDestroy(comm);
}

ncclUniqueId new_nccl_id() {
  ncclUniqueId id;
  check_nccl(ncclGetUniqueId(&id), "ncclGetUniqueId");
  return id;
}

NcclHandle nccl_over(Communicator& host) {
  const at::Tensor bytes = at::zeros({static_cast<int64_t>(sizeof(ncclUniqueId))}, at::kByte);
  ncclUniqueId id{};
  if (host.rank() == 0) {
    id = new_nccl_id();
    std::memcpy(bytes.data_ptr(), &id, sizeof id);
  }
  host.broadcast(bytes, 0);
  std::memcpy(&id, bytes.const_data_ptr(), sizeof id);
  ncclComm_t comm = nullptr;
  check_nccl(ncclCommInitRank(&comm, static_cast<int>(host.size()), id, static_cast<int>(host.rank())),
             "Starting NCCL");
  return NcclHandle(comm);
}

CudaPoint::CudaPoint(cudaStream_t stream) {
  C10_CUDA_CHECK(cudaEventCreateWithFlags(&event_, cudaEventDisableTiming));
  C10_CUDA_CHECK(cudaEventRecord(event_, stream));
}

CudaPoint::~CudaPoint() { cudaEventDestroy(event_); }

bool CudaPoint::reached() const { return cudaEventQuery(event_) != cudaErrorNotReady; }

void CudaPoint::hold(cudaStream_t stream) const { C10_CUDA_CHECK(cudaStreamWaitEvent(stream, event_, 0)); }

}  // namespace collie
