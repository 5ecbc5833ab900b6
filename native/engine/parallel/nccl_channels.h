// Messages between ranks over NCCL. A message blocks its stream and everything behind it on its NCCL communicator until the other
// side takes part, so each direction between two neighbours has two lanes of its own, for even and for odd tags: sends never stand behind
// receives, nor activations behind gradients. Messages of one lane arrive in the order in which they were sent.
#pragma once

#include <c10/cuda/CUDAStream.h>

#include <map>
#include <memory>
#include <utility>

#include "engine/parallel/nccl_session.h"

namespace collie {

class NcclChannels {
 public:
  // By all ranks of the group together: both directions to the next and the previous rank, the first being next to the last.
  NcclChannels(Communicator& host, c10::Device device);

  // Starts it once what the current stream holds now is done. std::logic_error for a rank that is no neighbour.
  std::shared_ptr<CudaPoint> send(const at::Tensor& memory, int64_t to, int64_t tag);
  std::shared_ptr<CudaPoint> receive(const at::Tensor& memory, int64_t from, int64_t tag);

 private:
  struct Channel {
    NcclHandle comm;  // of two: the sender is rank 0
    c10::cuda::CUDAStream stream;
  };
  using Channels = std::map<std::pair<int64_t, int64_t>, Channel>;  // by the other rank and the lane
  static Channel& of(Channels& channels, int64_t rank, int64_t tag);
  template <typename Call>
  std::shared_ptr<CudaPoint> start(Channel& channel, const at::Tensor& memory, const char* what, Call call);

  c10::Device device_;
  Channels out_, in_;
};

}  // namespace collie
