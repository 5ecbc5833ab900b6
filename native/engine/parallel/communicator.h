// What ranks say to each other: the collectives of one group. MPI for CPU tensors, NCCL for CUDA tensors, and a trivial one for a
// group of one, which sends nothing. All tensors of a call have the same format. Reductions take fp32, bf16 and int32, those of bf16
// add in fp32 and round once an addition, and give the same bits on all ranks; what only moves data takes any format. Not contiguous
// tensors go through a staging buffer. Calls on one communicator come from one thread at a time and in the same order on all its
// ranks; different communicators may be used from different threads. A call that fails throws rank.died, one that outlasts the
// world's time limit ends the job (engine/parallel/watchdog.h).
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

const char* name_of(Collective collective);

// Bytes of the tensors that this rank gave to each collective (all_gather: its part; reduce_scatter: the whole; broadcast and receive
// count on the receiving ranks too), and calls: what the communication of a step is measured by. Host values are not counted.
struct CommVolume {
  std::array<int64_t, 8> bytes{};
  std::array<int64_t, 8> calls{};

  void add(Collective collective, int64_t n_bytes);
  int64_t bytes_of(Collective collective) const { return bytes[static_cast<size_t>(collective)]; }
  int64_t calls_of(Collective collective) const { return calls[static_cast<size_t>(collective)]; }
};

// A send or receive under way. Its tensor must live, and not be changed, until wait() returns.
class Transfer {
 public:
  virtual ~Transfer() = default;
  virtual void wait() = 0;
  // Whether wait() would return at once, of a send.
  virtual bool done() = 0;
};

class Communicator {
 public:
  virtual ~Communicator() = default;
  virtual int64_t rank() const = 0;  // in this group
  virtual int64_t size() const = 0;

  // By all ranks of the group, before its first message. Over NCCL there are channels between neighbours then, the first rank being
  // next to the last; others cannot be sent to, and of the messages from one rank to another those of even tags have to be received in
  // the order in which they were sent, and so have those of odd tags (a pipeline's activations and gradients, say).
  virtual void open_channels() {}

  // In place.
  virtual void all_reduce(const at::Tensor& tensor, Reduce op = Reduce::sum) = 0;
  // The sum arrives in place at `root`; what the others hold afterwards is not defined.
  virtual void reduce(const at::Tensor& tensor, int64_t root) = 0;
  virtual void broadcast(const at::Tensor& tensor, int64_t root) = 0;
  // whole [size * n, ...] from part [n, ...] of every rank, in their order. `part` may be this rank's own part of `whole`.
  virtual void all_gather(const at::Tensor& part, const at::Tensor& whole) = 0;
  // part [n, ...] is this rank's part of the sum of whole [size * n, ...]. `part` may lie in `whole`.
  virtual void reduce_scatter(const at::Tensor& whole, const at::Tensor& part) = 0;
  virtual std::unique_ptr<Transfer> start_send(const at::Tensor& tensor, int64_t to, int64_t tag) = 0;
  virtual std::unique_ptr<Transfer> start_receive(const at::Tensor& tensor, int64_t from, int64_t tag) = 0;
  virtual void barrier() = 0;
  // Host values, in place.
  virtual void all_reduce(std::span<double> values, Reduce op = Reduce::sum) = 0;
  virtual void broadcast(std::span<double> values, int64_t root) = 0;

  // A communicator of those who give the same color, ordered by key. `name`: what errors call the group.
  virtual std::unique_ptr<Communicator> split(int64_t color, int64_t key, const std::string& name) = 0;
  virtual CommVolume volume() const = 0;
};

// A group of one.
std::unique_ptr<Communicator> single_rank();

}  // namespace collie
