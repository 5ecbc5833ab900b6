// A frozen weight in NF4 (core/formats/nf4.h), the base of QLoRA (Dettmers et al. 2023, arXiv 2305.14314).
#pragma once

#include "core/formats/nf4.h"
#include "core/grid/parallel.h"
#include "engine/kernels/kernels.h"

namespace collie {

// Quantizes a matrix of fp32 or bf16 values: the same bits as bitsandbytes' quantize_4bit with quant_type nf4, blocks of 64 and
// compressed statistics. The result lives on `device`.
Nf4Matrix quantize_nf4(const at::Tensor& values, at::Device device);
// The part of a matrix that a rank holds: what the whole has there, bit for bit. Rows must begin and end with a block, columns too, and
// then a row must be whole blocks; std::logic_error otherwise. Values are rounded to `computed` first, as they are when a whole matrix
// is loaded.
Nf4Matrix quantize_nf4_part(const at::Tensor& whole, const Slice& part, at::ScalarType computed, at::Device device);

// Of codes and statistics; 0 of none.
int64_t bytes_of(const Nf4Matrix& matrix);
// Room for such a part of a matrix of this shape, which comes from a rank that has it.
Nf4Matrix empty_nf4_part(int64_t whole_rows, int64_t whole_cols, const Slice& part, at::Device device);

}  // namespace collie
