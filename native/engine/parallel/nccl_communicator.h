// The collectives over NCCL for CUDA tensors, on the current stream: a call returns when it is enqueued. CPU tensors and host values go
// over the communicator of the host. The watchdog follows every operation until the device has done it.
#pragma once

#include <optional>

#include "engine/parallel/communicator.h"
#include "engine/parallel/nccl_channels.h"
#include "engine/parallel/watchdog.h"

namespace collie {

class NcclCommunicator : public Communicator {
 public:
  // By all ranks of `host`, each with a device of its own.
  NcclCommunicator(std::shared_ptr<Communicator> host, at::Device device, std::string name);

  int64_t rank() const override { return host_->rank(); }
  int64_t size() const override { return host_->size(); }
  void open_channels() override;
  void all_reduce(const at::Tensor& tensor, Reduce op) override;
  void reduce(const at::Tensor& tensor, int64_t root) override;
  void broadcast(const at::Tensor& tensor, int64_t root) override;
  void all_gather(const at::Tensor& part, const at::Tensor& whole) override;
  void reduce_scatter(const at::Tensor& whole, const at::Tensor& part) override;
  std::unique_ptr<Transfer> start_send(const at::Tensor& tensor, int64_t to, int64_t tag) override;
  std::unique_ptr<Transfer> start_receive(const at::Tensor& tensor, int64_t from, int64_t tag) override;
  void barrier() override;
  void all_reduce(std::span<double> values, Reduce op) override { host_->all_reduce(values, op); }
  void broadcast(std::span<double> values, int64_t root) override { host_->broadcast(values, root); }
  std::unique_ptr<Communicator> split(int64_t color, int64_t key, const std::string& name) override;
  CommVolume volume() const override;

 private:
  // Counts the call, makes it, and has the watchdog follow it.
  template <typename Call>
  void perform(Collective collective, int64_t n_bytes, Call call);
  void follow(const char* operation, std::shared_ptr<CudaPoint> point) const;
  NcclChannels& channels();
  cudaStream_t stream() const;

  std::shared_ptr<Communicator> host_;
  at::Device device_;
  std::string name_;
  NcclHandle comm_;
  std::optional<NcclChannels> channels_;
  CommVolume volume_;
};

}  // namespace collie
