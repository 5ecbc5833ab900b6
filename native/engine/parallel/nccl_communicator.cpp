#include "engine/parallel/nccl_communicator.h"

#include <ATen/ATen.h>
#include <c10/cuda/CUDAGuard.h>

#include <stdexcept>
#include <utility>

#include "engine/parallel/process_watchdog.h"
#include "engine/parallel/tensor_staging.h"
#include "engine/parallel/world.h"

namespace collie {

namespace {

ncclDataType_t reduced_as(const at::Tensor& tensor) {
  if (tensor.scalar_type() == at::kFloat) return ncclFloat32;
  if (tensor.scalar_type() == at::kBFloat16) return ncclBfloat16;
  if (tensor.scalar_type() == at::kInt) return ncclInt32;
  throw std::logic_error(std::string("a reduction of tensors of ") + c10::toString(tensor.scalar_type()));
}

ncclRedOp_t op_of(Reduce op) { return op == Reduce::sum ? ncclSum : ncclMax; }

int64_t bytes_of(const at::Tensor& tensor) { return static_cast<int64_t>(tensor.nbytes()); }

void require(bool holds, const char* what) {
  if (!holds) throw std::logic_error(what);
}

class NcclTransfer : public Transfer {
 public:
  // `target`: where a received tensor that is not contiguous goes at the end.
  NcclTransfer(std::shared_ptr<CudaPoint> point, at::Device device, at::Tensor memory, at::Tensor target)
      : point_(std::move(point)), device_(device), memory_(std::move(memory)), target_(std::move(target)) {}
  // The current stream waits, not this thread.
  void wait() override {
    point_->hold(c10::cuda::getCurrentCUDAStream(device_.index()).stream());
    if (target_.defined()) target_.copy_(memory_);
    target_.reset();
  }
  bool done() override { return point_->reached(); }

 private:
  std::shared_ptr<CudaPoint> point_;
  at::Device device_;
  at::Tensor memory_, target_;
};

}  // namespace

NcclCommunicator::NcclCommunicator(std::shared_ptr<Communicator> host, at::Device device, std::string name)
    : host_(std::move(host)), device_(device), name_(std::move(name)) {
  const c10::cuda::CUDAGuard guard(device_);
  const Watchdog::Watch watch(process_watchdog(), "the start of NCCL", name_);
  comm_ = nccl_over(*host_);
}

void NcclCommunicator::open_channels() {
  host_->open_channels();
  if (channels_ || size() == 1) return;
  const c10::cuda::CUDAGuard guard(device_);
  const Watchdog::Watch watch(process_watchdog(), "the start of NCCL's channels", name_);
  channels_.emplace(*host_, device_);
}

cudaStream_t NcclCommunicator::stream() const { return c10::cuda::getCurrentCUDAStream(device_.index()).stream(); }

NcclChannels& NcclCommunicator::channels() {
  require(channels_.has_value(), "a message in a group whose channels have not been opened");
  return *channels_;
}

void NcclCommunicator::follow(const char* operation, std::shared_ptr<CudaPoint> point) const {
  if (Watchdog* watchdog = process_watchdog())
    watchdog->watch_until(operation, name_, [point = std::move(point)] { return point->reached(); });
}

template <typename Call>
void NcclCommunicator::perform(Collective collective, int64_t n_bytes, Call call) {
  const c10::cuda::CUDAGuard guard(device_);
  const std::string what = std::string(name_of(collective)) + " of the " + name_ + " group";
  ncclResult_t earlier = ncclSuccess;
  check_nccl(ncclCommGetAsyncError(comm_.get(), &earlier), what);
  check_nccl(earlier, "What came before " + what);
  volume_.add(collective, n_bytes);
  check_nccl(call(), what);
  follow(name_of(collective), std::make_shared<CudaPoint>(stream()));
}

void NcclCommunicator::all_reduce(const at::Tensor& tensor, Reduce op) {
  if (!tensor.is_cuda()) return host_->all_reduce(tensor, op);
  const ncclDataType_t type = reduced_as(tensor);
  const at::Tensor memory = tensor.contiguous();
  perform(Collective::all_reduce, bytes_of(tensor), [&] {
    return ncclAllReduce(memory.data_ptr(), memory.data_ptr(), memory.numel(), type, op_of(op), comm_.get(), stream());
  });
  if (!memory.is_same(tensor)) tensor.copy_(memory);
}

void NcclCommunicator::reduce(const at::Tensor& tensor, int64_t root) {
  if (!tensor.is_cuda()) return host_->reduce(tensor, root);
  const ncclDataType_t type = reduced_as(tensor);
  const at::Tensor memory = tensor.contiguous();
  perform(Collective::reduce, bytes_of(tensor), [&] {
    return ncclReduce(memory.data_ptr(), memory.data_ptr(), memory.numel(), type, ncclSum, static_cast<int>(root),
                      comm_.get(), stream());
  });
  if (root == rank() && !memory.is_same(tensor)) tensor.copy_(memory);
}

void NcclCommunicator::broadcast(const at::Tensor& tensor, int64_t root) {
  if (!tensor.is_cuda()) return host_->broadcast(tensor, root);
  const at::Tensor memory = tensor.contiguous();
  perform(Collective::broadcast, bytes_of(tensor), [&] {
    return ncclBroadcast(memory.data_ptr(), memory.data_ptr(), memory.nbytes(), ncclUint8, static_cast<int>(root),
                         comm_.get(), stream());
  });
  if (root != rank() && !memory.is_same(tensor)) tensor.copy_(memory);
}

void NcclCommunicator::all_gather(const at::Tensor& part, const at::Tensor& whole) {
  if (!part.is_cuda()) return host_->all_gather(part, whole);
  require(part.scalar_type() == whole.scalar_type() && whole.numel() == part.numel() * size(),
          "all_gather: the whole is not as large as all parts");
  const at::Tensor from = part.contiguous(),
                   to = whole.is_contiguous() ? whole : at::empty(whole.sizes(), whole.options());
  const bool in_place =
      from.const_data_ptr() == static_cast<const char*>(to.const_data_ptr()) + rank() * bytes_of(part);
  require(in_place || !overlap(from, to), "all_gather: the part lies elsewhere in the whole");
  perform(Collective::all_gather, bytes_of(part), [&] {
    return ncclAllGather(from.const_data_ptr(), to.data_ptr(), from.nbytes(), ncclUint8, comm_.get(), stream());
  });
  if (!to.is_same(whole)) whole.copy_(to);
}

void NcclCommunicator::reduce_scatter(const at::Tensor& whole, const at::Tensor& part) {
  if (!part.is_cuda()) return host_->reduce_scatter(whole, part);
  require(part.scalar_type() == whole.scalar_type() && whole.numel() == part.numel() * size(),
          "reduce_scatter: the whole is not as large as all parts");
  const ncclDataType_t type = reduced_as(part);
  const at::Tensor from = whole.contiguous();
  const bool direct = part.is_contiguous() && !overlap(from, part);
  const at::Tensor to = direct ? part : at::empty(part.sizes(), part.options());
  perform(Collective::reduce_scatter, bytes_of(whole), [&] {
    return ncclReduceScatter(from.const_data_ptr(), to.data_ptr(), to.numel(), type, ncclSum, comm_.get(), stream());
  });
  if (!direct) part.copy_(to);
}

std::unique_ptr<Transfer> NcclCommunicator::start_send(const at::Tensor& tensor, int64_t to, int64_t tag) {
  if (!tensor.is_cuda()) return host_->start_send(tensor, to, tag);
  const c10::cuda::CUDAGuard guard(device_);
  const at::Tensor memory = tensor.contiguous();
  volume_.add(Collective::send, bytes_of(tensor));
  std::shared_ptr<CudaPoint> point = channels().send(memory, to, tag);
  follow(name_of(Collective::send), point);
  return std::make_unique<NcclTransfer>(std::move(point), device_, memory, at::Tensor());
}

std::unique_ptr<Transfer> NcclCommunicator::start_receive(const at::Tensor& tensor, int64_t from, int64_t tag) {
  if (!tensor.is_cuda()) return host_->start_receive(tensor, from, tag);
  const c10::cuda::CUDAGuard guard(device_);
  const bool direct = tensor.is_contiguous();
  const at::Tensor memory = direct ? tensor : at::empty(tensor.sizes(), tensor.options());
  volume_.add(Collective::receive, bytes_of(tensor));
  std::shared_ptr<CudaPoint> point = channels().receive(memory, from, tag);
  follow(name_of(Collective::receive), point);
  return std::make_unique<NcclTransfer>(std::move(point), device_, memory, direct ? at::Tensor() : tensor);
}

void NcclCommunicator::barrier() {
  c10::cuda::getCurrentCUDAStream(device_.index()).synchronize();
  host_->barrier();
}

std::unique_ptr<Communicator> NcclCommunicator::split(int64_t color, int64_t key, const std::string& name) {
  std::shared_ptr<Communicator> host = host_->split(color, key, name);
  if (host->size() == 1) return single_rank();
  return std::make_unique<NcclCommunicator>(std::move(host), device_, name);
}

CommVolume NcclCommunicator::volume() const {
  CommVolume sum = host_->volume();
  for (size_t i = 0; i < sum.bytes.size(); ++i) {
    sum.bytes[i] += volume_.bytes[i];
    sum.calls[i] += volume_.calls[i];
  }
  return sum;
}

std::shared_ptr<Communicator> nccl_world(std::shared_ptr<Communicator> host, at::Device device) {
  return std::make_shared<NcclCommunicator>(std::move(host), device, "world");
}

}  // namespace collie
