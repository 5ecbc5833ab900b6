// What ranks say to each other: the collectives of one group. MPI for CPU tensors, NCCL for CUDA tensors, and a trivial one for a
// group of one, which does nothing at all. All tensors of a call have the same format; fp32, bf16 and int32. Reductions of bf16 add
// in fp32 and round once an addition. Not contiguous tensors go through a staging buffer. Calls on one communicator come from one
// thread at a time and in the same order on all its ranks; different communicators may be used from different threads.
#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

namespace collie {

enum class Reduce { sum, max };
enum class Collective { all_reduce, reduce, broadcast, all_gather, reduce_scatter, send, receive, barrier };

// Bytes of the tensors that this rank gave to each collective, and calls: what the communication of a step is measured by.
struct CommVolume {
  std::array<int64_t, 8> bytes{};
  std::array<int64_t, 8> calls{};
};

// A send or receive under way. Its tensor must live, and not be changed, until wait() returns.
class Transfer {
 public:
  virtual ~Transfer() = default;
  virtual void wait() = 0;
};

class Communicator {
 public:
  virtual ~Communicator() = default;
  virtual int64_t rank() const = 0;  // in this group
  virtual int64_t size() const = 0;

  // In place.
  virtual void all_reduce(const at::Tensor& tensor, Reduce op = Reduce::sum) = 0;
  // The sum arrives in place at `root`; what the others hold afterwards is not defined.
  virtual void reduce(const at::Tensor& tensor, int64_t root) = 0;
  virtual void broadcast(const at::Tensor& tensor, int64_t root) = 0;
  // whole [size * n, ...] from part [n, ...] of every rank, in their order.
  virtual void all_gather(const at::Tensor& part, const at::Tensor& whole) = 0;
  // part [n, ...] is this rank's part of the sum of whole [size * n, ...].
  virtual void reduce_scatter(const at::Tensor& whole, const at::Tensor& part) = 0;
  virtual std::unique_ptr<Transfer> start_send(const at::Tensor& tensor, int64_t to, int64_t tag) = 0;
  virtual std::unique_ptr<Transfer> start_receive(const at::Tensor& tensor, int64_t from, int64_t tag) = 0;
  virtual void barrier() = 0;
  // Host values, in place.
  virtual void all_reduce(std::span<double> values, Reduce op = Reduce::sum) = 0;
  virtual void broadcast(std::span<double> values, int64_t root) = 0;

  // A communicator of those who give the same color, ordered by key.
  virtual std::unique_ptr<Communicator> split(int64_t color, int64_t key) = 0;
  virtual CommVolume volume() const = 0;
};

// A group of one.
std::unique_ptr<Communicator> single_rank();

}  // namespace collie
