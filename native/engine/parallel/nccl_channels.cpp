#include "engine/parallel/nccl_channels.h"

#include <ATen/ATen.h>

#include <cstring>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace collie {

namespace {

constexpr int64_t kLanes = 2;

// An end of a channel to be.
struct End {
  bool out;
  int64_t other, lane;
  ncclUniqueId id;
  ncclComm_t comm = nullptr;
};

// The ids that every rank has made for what it sends: [rank][to the next, to the previous][lane].
at::Tensor exchange_ids(Communicator& host) {
  const at::Tensor own = at::zeros({1, 2, kLanes, static_cast<int64_t>(sizeof(ncclUniqueId))}, at::kByte);
  for (int64_t i = 0; i < 2 * kLanes; ++i) {
    const ncclUniqueId id = new_nccl_id();
    std::memcpy(own[0][i / kLanes][i % kLanes].data_ptr(), &id, sizeof id);
  }
  const at::Tensor all = own.repeat({host.size(), 1, 1, 1});
  host.all_gather(own, all);
  return all;
}

}  // namespace

NcclChannels::NcclChannels(Communicator& host, c10::Device device) : device_(device) {
  const int64_t size = host.size(), rank = host.rank(), next = (rank + 1) % size, previous = (rank + size - 1) % size;
  const at::Tensor ids = exchange_ids(host);
  std::vector<End> ends;
  const auto add = [&](bool out, int64_t other, int64_t sender, int64_t direction) {
    for (int64_t lane = 0; lane < kLanes; ++lane) {
      End end{.out = out, .other = other, .lane = lane, .id = {}};
      std::memcpy(&end.id, ids[sender][direction][lane].const_data_ptr(), sizeof end.id);
      ends.push_back(end);
    }
  };
  add(true, next, rank, 0);
  add(false, previous, previous, 0);
  if (size > 2) {  // of two ranks, each is the other's next and previous
    add(true, previous, rank, 1);
    add(false, next, next, 1);
  }
  // In one group, because every rank starts its ends in another order.
  check_nccl(ncclGroupStart(), "Starting NCCL's channels");
  for (End& end : ends) check_nccl(ncclCommInitRank(&end.comm, 2, end.id, end.out ? 0 : 1), "Starting an NCCL channel");
  check_nccl(ncclGroupEnd(), "Starting NCCL's channels");
  for (const End& end : ends)
    (end.out ? out_ : in_)
        .emplace(std::pair(end.other, end.lane),
                 Channel{NcclHandle(end.comm), c10::cuda::getStreamFromPool(true, device_.index())});
}

NcclChannels::Channel& NcclChannels::of(Channels& channels, int64_t rank, int64_t tag) {
  const auto found = channels.find({rank, tag % kLanes});
  if (found == channels.end())
    throw std::logic_error("a message to or from rank " + std::to_string(rank) +
                           ", which is no neighbour in the group");
  return found->second;
}

template <typename Call>
std::shared_ptr<CudaPoint> NcclChannels::start(Channel& channel, const at::Tensor& memory, const char* what,
                                               Call call) {
  const c10::cuda::CUDAStream current = c10::cuda::getCurrentCUDAStream(device_.index());
  CudaPoint(current.stream()).hold(channel.stream.stream());
  check_nccl(call(channel), what);
  memory.record_stream(channel.stream.unwrap());
  return std::make_shared<CudaPoint>(channel.stream.stream());
}

std::shared_ptr<CudaPoint> NcclChannels::send(const at::Tensor& memory, int64_t to, int64_t tag) {
  return start(of(out_, to, tag), memory, "ncclSend", [&](Channel& channel) {
    return ncclSend(memory.const_data_ptr(), memory.nbytes(), ncclUint8, /*peer=*/1, channel.comm.get(),
                    channel.stream.stream());
  });
}

std::shared_ptr<CudaPoint> NcclChannels::receive(const at::Tensor& memory, int64_t from, int64_t tag) {
  return start(of(in_, from, tag), memory, "ncclRecv", [&](Channel& channel) {
    return ncclRecv(memory.data_ptr(), memory.nbytes(), ncclUint8, /*peer=*/0, channel.comm.get(),
                    channel.stream.stream());
  });
}

}  // namespace collie
