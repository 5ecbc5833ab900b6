// Kernels on the CPU: checks shapes, splits rows over threads and calls the loops of the chosen instruction set.
#pragma once

#include <string>
#include <vector>

#include "engine/kernels/cpu/variants/table.h"
#include "engine/kernels/kernels.h"

namespace collie::cpu {

// Cache-line aligned floats that only grow.
class Scratch {
 public:
  Scratch() = default;
  ~Scratch();
  Scratch(Scratch&& other) noexcept;
  Scratch& operator=(Scratch&&) = delete;
  float* reserve(int64_t floats);
  int64_t bytes() const { return capacity_ * static_cast<int64_t>(sizeof(float)); }

 private:
  float* data_ = nullptr;
  int64_t capacity_ = 0;
};

// Queries [begin, end) of one document and one key-value head.
struct AttentionUnit {
  int32_t document, kv_head, begin, end;
};

// Matrix multiplications: our blocked one, or the library's where it has instructions that we have not.
enum class GemmRoute { own, library };

class CpuKernels final : public Kernels {
 public:
  explicit CpuKernels(const Table& table);
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
  int64_t few_rows() const override { return kFewRows; }
  int64_t scratch_bytes() const override;

 private:
  static constexpr int64_t kFewRows = 8;  // one pass over the weights, nothing packed

  double squared_norm_of(const at::Tensor& x) const;
  GemmRoute route(const at::Tensor& a, const at::Tensor& b, const at::Tensor& c, GemmScale scale) const;
  // c = alpha a b + beta c.
  struct Product {
    ConstMatrix a, b;
    Matrix c;
    int64_t m, cols, k;
    float alpha, beta;
  };
  void multiply(const Product& p);
  void store_sums(const at::Tensor& c, double beta);
  void own_gemm(const at::Tensor& a, const at::Tensor& b, const at::Tensor& c, GemmScale scale);
  void few_rows(const at::Tensor& a, const at::Tensor& b, const at::Tensor& c, GemmScale scale);
  void over_logits(const CrossEntropy& c, const LogitStatistics& s,
                   void (*rows)(const CrossEntropyArgs&, int64_t, int64_t));
  void masked(const at::Tensor& x, const at::Tensor& y, DropoutMask mask,
              void (*rows)(const DropoutArgs&, int64_t, int64_t));
  float* thread_scratch(int64_t floats);  // of the calling thread

  const Table& table_;
  std::string name_;
  bool native_bf16_ = false;  // oneDNN has bf16 instructions to use
  Scratch packed_b_, sums_;
  std::vector<Scratch> threads_;  // one per thread of at::parallel_for
  std::vector<AttentionUnit> units_;
};

// Helpers shared by the files of this class.
Storage storage_of(const at::Tensor& t);
ConstMatrix const_matrix(const at::Tensor& t);
Matrix matrix(const at::Tensor& t);

}  // namespace collie::cpu
