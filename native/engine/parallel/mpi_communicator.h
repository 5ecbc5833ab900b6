// The collectives over Open MPI, for CPU tensors. One operation is one MPI call, except that reductions and broadcasts of more than
// 2^30 elements go in pieces; a gathered part or a message has to stay below 2^31 elements (std::length_error).
#pragma once

#include "engine/parallel/communicator.h"
#include "engine/parallel/mpi_session.h"

namespace collie {

class MpiCommunicator : public Communicator {
 public:
  // Takes over the MPI communicator.
  MpiCommunicator(std::shared_ptr<MpiSession> session, MPI_Comm comm, std::string name);
  ~MpiCommunicator() override;

  int64_t rank() const override { return rank_; }
  int64_t size() const override { return size_; }
  void all_reduce(const at::Tensor& tensor, Reduce op) override;
  void reduce(const at::Tensor& tensor, int64_t root) override;
  void broadcast(const at::Tensor& tensor, int64_t root) override;
  void all_gather(const at::Tensor& part, const at::Tensor& whole) override;
  void reduce_scatter(const at::Tensor& whole, const at::Tensor& part) override;
  std::unique_ptr<Transfer> start_send(const at::Tensor& tensor, int64_t to, int64_t tag) override;
  std::unique_ptr<Transfer> start_receive(const at::Tensor& tensor, int64_t from, int64_t tag) override;
  void barrier() override;
  void all_reduce(std::span<double> values, Reduce op) override;
  void broadcast(std::span<double> values, int64_t root) override;
  std::unique_ptr<Communicator> split(int64_t color, int64_t key, const std::string& name) override;
  CommVolume volume() const override { return volume_; }

 private:
  MPI_Op op_for(const at::Tensor& tensor, Reduce op) const;
  // Counts the call, then makes it and checks what it returns.
  template <typename Call>
  void perform(Collective collective, int64_t n_bytes, Call call);
  template <typename Call>
  void watched(const char* operation, Call call);

  std::shared_ptr<MpiSession> session_;
  MPI_Comm comm_;
  std::string name_;
  int64_t rank_ = 0, size_ = 1;
  CommVolume volume_;
  at::Tensor input_, output_;  // staging of tensors that are not contiguous, kept between calls
};

}  // namespace collie
