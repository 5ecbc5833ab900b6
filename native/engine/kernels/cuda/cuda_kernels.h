// Kernels on an NVIDIA GPU: cuBLAS and fused attention through ATen, the rest our own (launch.h).
#pragma once

#include <memory>
#include <string>

#include "engine/kernels/kernels.h"

namespace collie {

// Throws device.unavailable when the driver, the device or its index is missing.
std::unique_ptr<Kernels> make_cuda_kernels(at::Device device);

namespace cuda {

class CudaKernels final : public Kernels {
 public:
  explicit CudaKernels(at::Device device);
  const char* name() const override { return name_.c_str(); }

  void gemm(const at::Tensor& a, const at::Tensor& b, const at::Tensor& c, GemmScale scale) override;
  void embedding(const at::Tensor& ids, const at::Tensor& table, const at::Tensor& out) override;
  void embedding_backward(const at::Tensor& ids, const at::Tensor& dout, const at::Tensor& dtable) override;
  void rms_norm(const RmsNormForward& f) override;
  void rms_norm_backward(const RmsNormBackward& b) override;
  void layer_norm(const LayerNormForward& f) override;
  void layer_norm_backward(const LayerNormBackward& b) override;
  void group_norm(const GroupNormForward& f) override;
  void group_norm_backward(const GroupNormBackward& b) override;
  void rotary(const Rotary& r, Direction direction) override;
  void attention(const AttentionShape& s, const Documents& docs, const AttentionForward& f) override;
  void attention_backward(const AttentionShape& s, const Documents& docs, const AttentionBackward& b) override;
  void attention_cached(const AttentionShape& s, const at::Tensor& q, const at::Tensor& keys, const at::Tensor& values,
                        const at::Tensor& out) override;
  void swiglu(const at::Tensor& gate_up, const at::Tensor& y, Activation activation) override;
  void swiglu_backward(const at::Tensor& gate_up, const at::Tensor& dy, Activation activation) override;
  void activate(const at::Tensor& x, const at::Tensor& y, Activation activation) override;
  void activate_backward(const at::Tensor& x, const at::Tensor& dy, Activation activation) override;
  void soft_cap(const at::Tensor& y, double cap) override;
  void soft_cap_backward(const at::Tensor& y, const at::Tensor& dx, double cap) override;
  void cross_entropy(const CrossEntropy& c) override;
  void logit_maxima(const CrossEntropy& c, const LogitStatistics& s) override;
  void logit_sums(const CrossEntropy& c, const LogitStatistics& s) override;
  void cross_entropy_of(const CrossEntropy& c, const LogitStatistics& s) override;
  void dropout(const at::Tensor& x, const at::Tensor& y, DropoutMask mask) override;
  void dropout_add(const at::Tensor& x, const at::Tensor& y, DropoutMask mask) override;
  void affine_columns(const ColumnAffine& a) override;
  void column_sums(const ColumnSums& s) override;
  void gather_rows(const at::Tensor& x, const at::Tensor& rows, const at::Tensor& out) override;
  void scatter_rows(const at::Tensor& x, const at::Tensor& rows, const at::Tensor& out) override;
  void update(const ElementUpdate& u) override;
  void update(const ByteAdamW& u) override;
  double squared_norm(std::span<const at::Tensor> all) override;
  bool all_finite(const at::Tensor& x) override;
  void copy(const at::Tensor& src, const at::Tensor& dst, double scale) override;
  void add(const at::Tensor& src, const at::Tensor& dst) override;
  void dequantize_nf4(const Nf4Matrix& w, const at::Tensor& out) override;
  int64_t few_rows() const override { return 16; }
  int64_t scratch_bytes() const override;

 private:
  void reserve_norm_partial(const at::Tensor& like, int64_t dim);

  std::string name_;
  at::Tensor norm_result_;     // fp64: the result, then partial sums
  at::Tensor finite_result_;   // int32 [1]
  at::Tensor norm_partial_;    // fp32, grows with the hidden size
  at::Tensor column_partial_;  // fp32, grows with the widest matrix whose columns are summed
  at::Tensor nf4_tables_;      // fp32, of the 4-bit format
  at::Tensor delta_;           // fp32, grows with heads x tokens: attention without tensor cores only
};

}  // namespace cuda
}  // namespace collie
