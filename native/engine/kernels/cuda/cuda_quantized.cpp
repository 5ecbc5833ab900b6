// Weights in 4 bits: the tables of the format on the device, and the launch.
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>

#include "core/formats/nf4.h"
#include "engine/kernels/cuda/cuda_kernels.h"
#include "engine/kernels/cuda/tensors.h"

namespace collie::cuda {

void CudaKernels::dequantize_nf4(const Nf4Matrix& w, const at::Tensor& out) {
  constexpr int64_t kMap = 256, kLevels = 16;
  if (!nf4_tables_.defined()) {
    nf4_tables_ = at::empty({kMap + kLevels}, at::TensorOptions().dtype(at::kFloat).device(out.device()));
    nf4_tables_.narrow(0, 0, kMap)
        .copy_(at::from_blob(const_cast<float*>(nf4::scale_map().data()), {kMap}, at::kFloat));
    nf4_tables_.narrow(0, kMap, kLevels)
        .copy_(at::from_blob(const_cast<float*>(nf4::kLevels.data()), {kLevels}, at::kFloat));
  }
  const float* map = data_as<float>(nf4_tables_);
  const Nf4Args args{storage_of(out),
                     data_as<uint8_t>(w.codes),
                     data_as<uint8_t>(w.magnitudes),
                     data_as<float>(w.scales),
                     map,
                     map + kMap,
                     data(out),
                     out.stride(0),
                     out.size(0),
                     out.size(1),
                     static_cast<float>(w.offset),
                     w.first_block,
                     w.part_blocks,
                     w.whole_blocks};
  run_on(out, [&](cudaStream_t stream) { cuda::dequantize_nf4(args, stream); });
}

}  // namespace collie::cuda
