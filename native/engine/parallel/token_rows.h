// How the ranks of a tensor-parallel group go from tokens of their own to all tokens and back: the collectives around every linear.
// Without sequence parallelism all tokens are everybody's, gathering is nothing and a sum goes to all. With it (Korthikanti et al.
// 2022, arXiv 2205.05198) the same places gather before a linear and scatter the sum after it.
//
// Buffers of all tokens that collectives work on have the rows of share().padded, in which each rank's own lie at their place; linears
// and attention see tokens(buffer). Padding is zero in every sum, so that it adds nothing to gradients, and is read nowhere else.
#pragma once

#include <ATen/core/Tensor.h>

#include "core/grid/parallel.h"
#include "engine/parallel/communicator.h"

namespace collie {

class TokenRows {
 public:
  // `group` outlives it.
  TokenRows(Communicator& group, const TokenShare& share) : group_(&group), share_(share) {}
  // Every rank has all of them.
  TokenRows(Communicator& group, int64_t tokens)
      : TokenRows(group, {.all = tokens, .begin = 0, .own = tokens, .padded = tokens}) {}

  const TokenShare& share() const { return share_; }
  // Whether ranks have different rows.
  bool shared() const { return share_.own < share_.padded; }
  // Views of a buffer that has room for it: padded rows; of these the rank's own, and those of tokens.
  at::Tensor padded(const at::Tensor& buffer) const { return buffer.narrow(0, 0, share_.padded); }
  at::Tensor own(const at::Tensor& padded) const { return padded.narrow(0, share_.begin, share_.own); }
  at::Tensor tokens(const at::Tensor& padded) const { return padded.narrow(0, 0, share_.all); }

  // Own rows of every rank to all of them, in place.
  void gather(const at::Tensor& padded) const;
  // What all ranks have of own rows, of all tokens: `own` itself where that is all, else in `buffer`, which has padded rows.
  at::Tensor gathered(const at::Tensor& own, const at::Tensor& buffer) const;
  // The sum over the group of every rank's rows, in place: complete in the own ones, the others are undefined.
  void sum(const at::Tensor& padded) const;

 private:
  Communicator* group_;
  TokenShare share_;
};

}  // namespace collie
