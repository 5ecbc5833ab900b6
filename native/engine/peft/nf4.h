// A frozen weight in NF4 (core/nf4.h), the base of QLoRA (Dettmers et al. 2023, arXiv 2305.14314).
#pragma once

#include "core/nf4.h"
#include "engine/kernels/kernels.h"

namespace collie {

// Quantizes a matrix of fp32 or bf16 values: the same bits as bitsandbytes' quantize_4bit with quant_type nf4, blocks of 64 and
// compressed statistics. The result lives on `device`.
Nf4Matrix quantize_nf4(const at::Tensor& values, at::Device device);

}  // namespace collie
