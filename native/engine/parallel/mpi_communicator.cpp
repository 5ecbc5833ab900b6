#include "engine/parallel/mpi_communicator.h"

#include <ATen/ATen.h>

#include <algorithm>
#include <exception>
#include <limits>
#include <stdexcept>
#include <utility>

#include "engine/parallel/tensor_staging.h"
#include "engine/parallel/world.h"

namespace collie {

namespace {

constexpr int64_t kPiece = int64_t{1} << 30;  // elements of one call; MPI counts in int

MPI_Datatype reduced_as(const at::Tensor& tensor) {
  if (tensor.scalar_type() == at::kFloat) return MPI_FLOAT;
  if (tensor.scalar_type() == at::kInt) return MPI_INT32_T;
  if (tensor.scalar_type() == at::kBFloat16) return MPI_UINT16_T;
  throw std::logic_error(std::string("a reduction of tensors of ") + c10::toString(tensor.scalar_type()));
}

// For what only moves: any type of this many bytes.
MPI_Datatype moved_as(const at::Tensor& tensor) {
  switch (tensor.element_size()) {
    case 1:
      return MPI_UINT8_T;
    case 2:
      return MPI_UINT16_T;
    case 4:
      return MPI_UINT32_T;
    case 8:
      return MPI_UINT64_T;
    default:
      throw std::logic_error(std::string("a transfer of tensors of ") + c10::toString(tensor.scalar_type()));
  }
}

int count_of(const at::Tensor& tensor) {
  if (tensor.numel() > std::numeric_limits<int>::max())
    throw std::length_error("a message of " + std::to_string(tensor.numel()) + " elements; MPI takes up to 2147483647");
  return static_cast<int>(tensor.numel());
}

// call(pointer, count) for pieces of a contiguous tensor. An empty one is one empty call, as every rank must make it.
template <typename Call>
int in_pieces(const at::Tensor& tensor, Call call) {
  auto* begin = static_cast<char*>(tensor.data_ptr());
  int status = MPI_SUCCESS;
  int64_t done = 0;
  do {
    const int64_t n = std::min(kPiece, tensor.numel() - done);
    status = call(begin + done * tensor.element_size(), static_cast<int>(n));
    done += n;
  } while (done < tensor.numel() && status == MPI_SUCCESS);
  return status;
}

int64_t bytes_of(const at::Tensor& tensor) { return static_cast<int64_t>(tensor.nbytes()); }

void require(bool holds, const char* what) {
  if (!holds) throw std::logic_error(what);
}

class MpiTransfer : public Transfer {
 public:
  // `what`: as errors call it. `target`: where a received tensor that is not contiguous goes at the end.
  MpiTransfer(std::shared_ptr<MpiSession> session, std::string what, std::string group, at::Tensor memory,
              at::Tensor target)
      : session_(std::move(session)),
        what_(std::move(what)),
        group_(std::move(group)),
        memory_(std::move(memory)),
        target_(std::move(target)) {}
  ~MpiTransfer() override {
    // Dropped only when the job is being aborted; MPI must not write into memory that is gone.
    if (request_ == MPI_REQUEST_NULL) return;
    MPI_Cancel(&request_);
    MPI_Request_free(&request_);
  }
  void wait() override {
    const Watchdog::Watch watch(session_->watchdog(), what_.c_str(), group_);
    check_mpi(MPI_Wait(&request_, MPI_STATUS_IGNORE), what_ + " of the " + group_ + " group");
    if (target_.defined()) target_.copy_(memory_);
    target_.reset();
  }
  bool done() override {
    int flag = 0;
    check_mpi(MPI_Test(&request_, &flag, MPI_STATUS_IGNORE), what_ + " of the " + group_ + " group");
    return flag != 0;
  }
  MPI_Request* request() { return &request_; }

 private:
  std::shared_ptr<MpiSession> session_;
  std::string what_, group_;
  at::Tensor memory_, target_;
  MPI_Request request_ = MPI_REQUEST_NULL;
};

}  // namespace

MpiCommunicator::MpiCommunicator(std::shared_ptr<MpiSession> session, MPI_Comm comm, std::string name)
    : session_(std::move(session)), comm_(comm), name_(std::move(name)) {
  int rank = 0, size = 1;
  MPI_Comm_rank(comm_, &rank);
  MPI_Comm_size(comm_, &size);
  rank_ = rank;
  size_ = size;
}

MpiCommunicator::~MpiCommunicator() {
  if (std::uncaught_exceptions() == 0) MPI_Comm_free(&comm_);
}

template <typename Call>
void MpiCommunicator::perform(Collective collective, int64_t n_bytes, Call call) {
  volume_.add(collective, n_bytes);
  watched(name_of(collective), call);
}

template <typename Call>
void MpiCommunicator::watched(const char* operation, Call call) {
  const Watchdog::Watch watch(session_->watchdog(), operation, name_);
  if (const int status = call(); status != MPI_SUCCESS)
    check_mpi(status, std::string(operation) + " of the " + name_ + " group");
}

MPI_Op MpiCommunicator::op_for(const at::Tensor& tensor, Reduce op) const {
  if (tensor.scalar_type() == at::kBFloat16) return op == Reduce::sum ? session_->bf16_sum() : session_->bf16_max();
  return op == Reduce::sum ? MPI_SUM : MPI_MAX;
}

void MpiCommunicator::all_reduce(const at::Tensor& tensor, Reduce op) {
  const MPI_Datatype type = reduced_as(tensor);
  const at::Tensor memory = contiguous_in(input_, tensor);
  perform(Collective::all_reduce, bytes_of(tensor), [&] {
    return in_pieces(
        memory, [&](void* at, int n) { return MPI_Allreduce(MPI_IN_PLACE, at, n, type, op_for(tensor, op), comm_); });
  });
  if (!memory.is_same(tensor)) tensor.copy_(memory);
}

void MpiCommunicator::reduce(const at::Tensor& tensor, int64_t root) {
  const MPI_Datatype type = reduced_as(tensor);
  const at::Tensor memory = contiguous_in(input_, tensor);
  const bool here = root == rank_;
  perform(Collective::reduce, bytes_of(tensor), [&] {
    return in_pieces(memory, [&](void* at, int n) {
      return MPI_Reduce(here ? MPI_IN_PLACE : at, here ? at : nullptr, n, type, op_for(tensor, Reduce::sum),
                        static_cast<int>(root), comm_);
    });
  });
  if (here && !memory.is_same(tensor)) tensor.copy_(memory);
}

void MpiCommunicator::broadcast(const at::Tensor& tensor, int64_t root) {
  const MPI_Datatype type = moved_as(tensor);
  const at::Tensor memory = contiguous_in(input_, tensor);
  perform(Collective::broadcast, bytes_of(tensor), [&] {
    return in_pieces(memory, [&](void* at, int n) { return MPI_Bcast(at, n, type, static_cast<int>(root), comm_); });
  });
  if (root != rank_ && !memory.is_same(tensor)) tensor.copy_(memory);
}

void MpiCommunicator::all_gather(const at::Tensor& part, const at::Tensor& whole) {
  require(part.scalar_type() == whole.scalar_type() && whole.numel() == part.numel() * size_,
          "all_gather: the whole is not as large as all parts");
  const int count = count_of(part);
  const MPI_Datatype type = moved_as(part);
  const at::Tensor from = contiguous_in(input_, part);
  const at::Tensor to = whole.is_contiguous() ? whole : stage_in(output_, whole);
  const bool in_place = from.const_data_ptr() == static_cast<const char*>(to.const_data_ptr()) + rank_ * bytes_of(part);
  require(in_place || !overlap(from, to), "all_gather: the part lies elsewhere in the whole");
  perform(Collective::all_gather, bytes_of(part), [&] {
    const void* send = in_place ? MPI_IN_PLACE : from.const_data_ptr();
    return MPI_Allgather(send, count, type, to.data_ptr(), count, type, comm_);
  });
  if (!to.is_same(whole)) whole.copy_(to);
}

void MpiCommunicator::reduce_scatter(const at::Tensor& whole, const at::Tensor& part) {
  require(part.scalar_type() == whole.scalar_type() && whole.numel() == part.numel() * size_,
          "reduce_scatter: the whole is not as large as all parts");
  const int count = count_of(part);
  const MPI_Datatype type = reduced_as(part);
  const at::Tensor from = contiguous_in(input_, whole);
  const bool direct = part.is_contiguous() && !overlap(from, part);
  const at::Tensor to = direct ? part : stage_in(output_, part);
  perform(Collective::reduce_scatter, bytes_of(whole), [&] {
    return MPI_Reduce_scatter_block(from.const_data_ptr(), to.data_ptr(), count, type, op_for(part, Reduce::sum),
                                    comm_);
  });
  if (!direct) part.copy_(to);
}

std::unique_ptr<Transfer> MpiCommunicator::start_send(const at::Tensor& tensor, int64_t to, int64_t tag) {
  const at::Tensor memory = tensor.contiguous();
  auto transfer =
      std::make_unique<MpiTransfer>(session_, "send to its rank " + std::to_string(to), name_, memory, at::Tensor());
  perform(Collective::send, bytes_of(tensor), [&] {
    return MPI_Isend(memory.const_data_ptr(), count_of(memory), moved_as(memory), static_cast<int>(to),
                     static_cast<int>(tag), comm_, transfer->request());
  });
  return transfer;
}

std::unique_ptr<Transfer> MpiCommunicator::start_receive(const at::Tensor& tensor, int64_t from, int64_t tag) {
  const bool direct = tensor.is_contiguous();
  const at::Tensor memory = direct ? tensor : at::empty(tensor.sizes(), tensor.options());
  auto transfer = std::make_unique<MpiTransfer>(session_, "receive from its rank " + std::to_string(from), name_,
                                                memory, direct ? at::Tensor() : tensor);
  perform(Collective::receive, bytes_of(tensor), [&] {
    return MPI_Irecv(memory.data_ptr(), count_of(memory), moved_as(memory), static_cast<int>(from),
                     static_cast<int>(tag), comm_, transfer->request());
  });
  return transfer;
}

void MpiCommunicator::barrier() {
  perform(Collective::barrier, 0, [&] { return MPI_Barrier(comm_); });
}

void MpiCommunicator::all_reduce(std::span<double> values, Reduce op) {
  watched("all_reduce of host values", [&] {
    return MPI_Allreduce(MPI_IN_PLACE, values.data(), static_cast<int>(values.size()), MPI_DOUBLE,
                         op == Reduce::sum ? MPI_SUM : MPI_MAX, comm_);
  });
}

void MpiCommunicator::broadcast(std::span<double> values, int64_t root) {
  watched("broadcast of host values", [&] {
    return MPI_Bcast(values.data(), static_cast<int>(values.size()), MPI_DOUBLE, static_cast<int>(root), comm_);
  });
}

std::unique_ptr<Communicator> MpiCommunicator::split(int64_t color, int64_t key, const std::string& name) {
  MPI_Comm part = MPI_COMM_NULL;
  watched("split", [&] { return MPI_Comm_split(comm_, static_cast<int>(color), static_cast<int>(key), &part); });
  auto group = std::make_unique<MpiCommunicator>(session_, part, name);
  if (group->size() == 1) return single_rank();
  return group;
}

std::shared_ptr<Communicator> mpi_world() {
  std::shared_ptr<MpiSession> session = MpiSession::get();
  MPI_Comm world = MPI_COMM_NULL;
  check_mpi(MPI_Comm_dup(MPI_COMM_WORLD, &world), "MPI_Comm_dup");
  return std::make_shared<MpiCommunicator>(std::move(session), world, "world");
}

}  // namespace collie
