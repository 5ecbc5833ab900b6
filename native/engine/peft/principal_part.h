// The largest singular values of a matrix with their vectors.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

#include "core/base/random.h"

namespace collie {

struct PrincipalPart {
  at::Tensor left;    // fp32 [m, rank], orthonormal columns
  at::Tensor values;  // fp32 [rank], descending
  at::Tensor right;   // fp32 [rank, n], orthonormal rows
};

// matrix fp32 [m, n], rank <= min(m, n). Exact (LAPACK's divide and conquer, or the device's) while the smaller side is
// at most 1024: a second a matrix. Above, where that takes a minute each, a randomized range finder with power iterations
// (Halko, Martinsson and Tropp 2011, arXiv 0909.4061), whose random start is drawn from `random`: the same every time. Its
// product differs from the exact one by far less than training changes it, and the base weight is made with what was found.
PrincipalPart principal_part(const at::Tensor& matrix, int64_t rank, Random random);

}  // namespace collie
