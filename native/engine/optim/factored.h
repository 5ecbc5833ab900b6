// Second moments kept as one mean a row and one a column instead of one a weight (Shazeer and Stern 2018, arXiv 1804.04235):
//   V_ij ~ R_i C_j / mean(R)
// and the updates that are divided by their root, worked on in groups of rows, so that nothing has the size of the matrix. Vectors
// have their second moments in full. Where tensor-parallel ranks share a matrix, means over the split dim, and roots of mean squares, are
// those of all parts. Shared by Adafactor and AdaLomo, which differ in where they guard against zero.
#pragma once

#include <functional>

#include "engine/optim/rule_base.h"

namespace collie {

struct FactoredStep {
  double keep = 0;          // what is kept of the old moments
  double add_square = 0;    // added to squared gradients
  double least_mean = 0;    // lower bound of mean(R); 0: none
  double least_moment = 0;  // lower bound of the moments that are divided by; 0: none
  double threshold = 1;     // the update is divided by max(1, rms(update) / threshold)
  double decay = 0;         // w <- w - decay w - rate update
  double rate = 0;
};

class FactoredRule : public RuleBase {
 protected:
  FactoredRule(const OptimizerSpec& spec, std::span<const Parameter> parameters, Kernels& kernels);
  void apply(size_t index, const Parameter& parameter, const OptimizerStep& now, const FactoredStep& step);
  // Root of the mean square of a weight; of all of it when ranks share it.
  double rms_of(const Parameter& parameter) const;

 private:
  // A group of whole rows, or a part of a vector as one row.
  struct Rows {
    int64_t begin, count, cols;
  };
  void over_rows(const at::Tensor& weight, const std::function<void(const Rows&)>& work) const;
  void moments(size_t index, const Parameter& parameter, double factor, const FactoredStep& step);
  // mean(R)
  at::Tensor mean_of_rows(size_t index, const Parameter& parameter, const FactoredStep& step) const;
  at::Tensor direction(size_t index, const Parameter& parameter, double factor, const FactoredStep& step,
                       const at::Tensor& mean, const Rows& rows) const;
};

}  // namespace collie
