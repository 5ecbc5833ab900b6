// Gradients that a tensor-parallel group puts together: of tensors that every rank holds and of which each has seen a part of the model
// only (the factor of a LoRA pair that is not split), and of key-value heads that several ranks hold. Small tensors go together in one
// reduction; the buffer for it is that of the linears' input gradients, which nobody needs between layers.
#include <algorithm>

#include "engine/model/decoder_impl.h"

namespace collie {
namespace {

class Bucket {
 public:
  Bucket(Kernels& kernels, Communicator& group, const at::Tensor& buffer)
      : kernels_(kernels), group_(group), buffer_(buffer) {}

  void add(const at::Tensor& gradient) {
    const at::Tensor flat = gradient.view({-1});
    if (flat.numel() > buffer_.numel()) return group_.all_reduce(flat);
    if (used_ + flat.numel() > buffer_.numel()) reduce();
    kernels_.copy(flat, buffer_.narrow(0, used_, flat.numel()));
    used_ += flat.numel();
    waiting_.push_back(flat);
  }

  void reduce() {
    if (used_ == 0) return;
    group_.all_reduce(buffer_.narrow(0, 0, used_));
    int64_t begin = 0;
    for (const at::Tensor& flat : waiting_) {
      kernels_.copy(buffer_.narrow(0, begin, flat.numel()), flat);
      begin += flat.numel();
    }
    waiting_.clear();
    used_ = 0;
  }

 private:
  Kernels& kernels_;
  Communicator& group_;
  at::Tensor buffer_;  // fp32
  int64_t used_ = 0;
  std::vector<at::Tensor> waiting_;
};

}  // namespace

// Of the same size on all ranks, whose shares may be uneven: they fill and send it at the same parameters.
at::Tensor Decoder::Impl::bucket_buffer() {
  const at::Tensor own = workspace.shared().dinput.flatten();
  const at::Tensor floats = own.narrow(0, 0, own.numel() / 2 * 2).view(at::kFloat);
  if (bucket_size == 0) {
    double most = -static_cast<double>(floats.numel());
    tp().all_reduce(std::span(&most, 1), Reduce::max);
    bucket_size = static_cast<int64_t>(-most);
  }
  return floats.narrow(0, 0, bucket_size);
}

void Decoder::Impl::sum_gradients(size_t begin, size_t end) {
  if (tp().size() == 1) return;
  const at::Tensor buffer = bucket_buffer();
  for (const auto& [sum, group] :
       {std::pair{GradientSum::group, &tp()}, std::pair{GradientSum::replicas, replicas.get()}}) {
    if (!group) continue;
    Bucket bucket(*kernels, *group, buffer);
    for (size_t i = begin; i < end; ++i)
      if (trainable[i].placement.gradient == sum && !summed[i]) bucket.add(trainable[i].grad);
    bucket.reduce();
  }
  std::fill(summed.begin() + static_cast<std::ptrdiff_t>(begin), summed.begin() + static_cast<std::ptrdiff_t>(end),
            true);
}

void Decoder::Impl::zero_gradients(size_t begin, size_t end) {
  for (size_t i = begin; i < end; ++i) {
    trainable[i].grad.zero_();
    summed[i] = false;
  }
}

}  // namespace collie
