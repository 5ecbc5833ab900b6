// Weights in 4 bits.
#include <ATen/Parallel.h>

#include "core/formats/nf4.h"
#include "engine/kernels/cpu/cpu_kernels.h"

namespace collie::cpu {

void CpuKernels::dequantize_nf4(const Nf4Matrix& w, const at::Tensor& out) {
  TORCH_INTERNAL_ASSERT(out.dim() == 2 && out.stride(1) == 1 && w.codes.numel() == nf4::blocks_of(out.numel(), 2));
  const Nf4Args args{.codes = w.codes.const_data_ptr<uint8_t>(),
                     .magnitudes = w.magnitudes.const_data_ptr<uint8_t>(),
                     .scales = w.scales.const_data_ptr<float>(),
                     .map = nf4::scale_map().data(),
                     .levels = nf4::kLevels.data(),
                     .out = out.mutable_data_ptr(),
                     .out_stride = out.stride(0),
                     .cols = out.size(1),
                     .block = nf4::kBlock,
                     .scale_block = nf4::kScaleBlock,
                     .offset = static_cast<float>(w.offset),
                     .first_block = w.first_block,
                     .part_blocks = w.part_blocks,
                     .whole_blocks = w.whole_blocks};
  const auto rows = table_.dequantize_nf4[static_cast<size_t>(storage_of(out))];
  at::parallel_for(0, out.size(0), 8, [&](int64_t begin, int64_t end) { rows(args, begin, end); });
}

}  // namespace collie::cpu
