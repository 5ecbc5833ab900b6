#include "engine/parallel/token_rows.h"

namespace collie {

void TokenRows::gather(const at::Tensor& padded) const {
  if (shared()) group_->all_gather(own(padded), padded);
}

at::Tensor TokenRows::gathered(const at::Tensor& part, const at::Tensor& buffer) const {
  if (!shared()) return part;
  group_->all_gather(part, buffer);
  return tokens(buffer);
}

void TokenRows::sum(const at::Tensor& padded) const {
  if (!shared()) return group_->all_reduce(padded);
  padded.narrow(0, share_.all, share_.padded - share_.all).zero_();
  group_->reduce_scatter(padded, own(padded));
}

}  // namespace collie
