// What the decoder asks of a device: every heavy operation over tensors that the caller allocated (a GPU's fused attention allocates too).
// One implementation a device. Nothing depends on how threads are scheduled: the same call gives the same bits, on the CPU with the same
// number of threads, on a GPU with the same kind of card and the same libraries.
//
// Legend: N tokens, D hidden size, F intermediate size, H query heads, KV key-value heads, E head dimension, V vocabulary.
// "Storage" is fp32 or bf16, the same for all storage tensors of a call unless said; statistics and gradients of weights
// are fp32. Rows may be strided, columns are adjacent.
#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>
#include <memory>
#include <span>
#include <variant>

#include "core/model/model_traits.h"  // Activation, RotaryPairs
#include "engine/kernels/element_rules.h"

namespace collie {

// C = alpha A B + beta C.
struct GemmScale {
  double alpha = 1;
  double beta = 0;
};

// Documents of a micro-batch, one after another; attention never crosses their borders.
struct Documents {
  std::span<const int32_t> offsets;  // documents + 1, on the host
  at::Tensor offsets_device;         // the same, int32
  int64_t longest = 0;
};

struct AttentionShape {
  int64_t heads = 0, kv_heads = 0, head_dim = 0;
  int64_t window = 0;  // a query at i sees keys j with i - window < j <= i; 0: all j <= i
  double scale = 1;    // of the scores, 1 / sqrt(head_dim)
  double softcap = 0;  // scaled scores s become c tanh(s / c); 0: none
};

// Queries, keys and values side by side in one buffer, [N, (H + 2 KV) E].
struct AttentionForward {
  at::Tensor qkv;
  at::Tensor out;  // [N, H E]
  // fp32 [H, N] without gaps (fused kernels read head h at h N), or undefined: nothing is kept for a backward pass.
  at::Tensor lse;
};

struct AttentionBackward {
  AttentionForward forward;
  at::Tensor dout;  // [N, H E]
  at::Tensor dqkv;  // [N, (H + 2 KV) E], overwritten
};

struct RmsNormForward {
  at::Tensor x;         // [N, D]
  at::Tensor residual;  // [N, D], added to x first, or undefined
  at::Tensor sum;       // [N, D], x + residual as stored; with residual only; may be x itself
  at::Tensor weight;    // [D]
  at::Tensor y;         // [N, D]
  at::Tensor rstd;      // fp32 [N], or undefined
  double eps = 1e-5;
  double offset = 0;  // y = normed (offset + weight)
};

struct RmsNormBackward {
  at::Tensor x, weight, dy, rstd;
  at::Tensor dx;       // storage [N, D], added to; undefined: not wanted
  at::Tensor dweight;  // fp32 [D], added to; undefined: not wanted
  double offset = 0;
};

// LayerNorm (Ba, Kiros and Hinton 2016, arXiv 1607.06450): y = (x - mean) rstd (offset + weight) + bias.
struct LayerNormForward {
  at::Tensor x, residual, sum;  // as in RmsNormForward
  at::Tensor weight;            // [D]
  at::Tensor bias;              // fp32 [D], or undefined
  at::Tensor y;                 // [N, D]
  at::Tensor rstd, mean;        // fp32 [N], or both undefined
  double eps = 1e-5, offset = 0;
};

struct LayerNormBackward {
  at::Tensor x, weight, dy, rstd, mean;
  at::Tensor dx;       // storage [N, D], added to; undefined: not wanted
  at::Tensor dweight;  // fp32 [D], added to; undefined: not wanted. The bias has the column sums of dy
  double offset = 0;
};

// RMS norms over groups of columns, G of them with E columns each: heads of queries and keys, or all heads at once.
struct GroupNormForward {
  at::Tensor x;       // [N, G E]
  at::Tensor weight;  // [E]
  at::Tensor y;       // [N, G E]
  at::Tensor rstd;    // fp32 [N, G]
  double eps = 1e-5, offset = 0;
};

struct GroupNormBackward {
  at::Tensor x, weight, rstd;
  at::Tensor dy;       // [N, G E], overwritten with the gradient of x
  at::Tensor dweight;  // fp32 [E], added to; undefined: not wanted
  double offset = 0;
};

enum class Direction { forward, backward };

struct Rotary {
  at::Tensor x;          // [N, heads E], in place
  at::Tensor positions;  // int32 [N]
  at::Tensor cos, sin;   // fp32 [positions, R / 2]: the first R elements of a head rotate
  int64_t heads = 0, head_dim = 0;
  RotaryPairs pairs = RotaryPairs::half;
};

struct CrossEntropy {
  at::Tensor logits;  // storage [rows, V]; overwritten with scale of the row * d(loss)/d(logits) where there are scales
  at::Tensor targets;      // int32 [rows]
  at::Tensor losses;       // fp32 [rows]
  at::Tensor correct;      // int32 [rows], 1 where the target has the largest logit; or undefined
  at::Tensor scales = {};  // fp32 [rows], of the rows' gradients; undefined: no gradient
};

// What ranks that share the vocabulary put together between the passes over their logits, fp32.
struct LogitStatistics {
  at::Tensor maxima;  // [rows]
  at::Tensor sums;    // [2, rows]: of exp(logit - maximum); the target's logit, or 0
};

// y = x factors + shifts, column by column; what is undefined is left out.
struct ColumnAffine {
  at::Tensor x;        // storage [N, C]
  at::Tensor factors;  // fp32 [C], or undefined: 1
  at::Tensor shifts;   // fp32 [C], or undefined: 0
  at::Tensor y;        // storage [N, C], may be x
};

// sums[j] += factors[j] * sum over rows of a[i, j] b[i, j].
struct ColumnSums {
  at::Tensor a;        // storage [N, C]
  at::Tensor b;        // storage [N, C], or undefined: 1
  at::Tensor factors;  // fp32 [C], or undefined: 1
  at::Tensor sums;     // fp32 [C]
};

// Masks are a pure function of key, row and column: the backward pass computes them again.
struct DropoutMask {
  double rate = 0;
  uint64_t key = 0;
  int64_t first_column = 0;  // of a part of the columns
};

using ElementRule = std::variant<AdamWRule, LionRule, AdanRule, SophiaRule, MomentumRule, PlainRule>;

// One pass of an update rule over a tensor or a part of it. All contiguous, with the same number of elements.
struct ElementUpdate {
  at::Tensor weight;                // fp32, or bf16: read as fp32 and rounded stochastically
  at::Tensor grad;                  // fp32
  std::array<at::Tensor, 4> state;  // fp32, in the order of the rule; the rest undefined
  ElementRule rule;
  double grad_scale = 1;      // gradients are multiplied by it first
  uint64_t rounding_key = 0;  // bf16 only: decides the rounding of every element
  int64_t first_element = 0;  // place of this part in the tensor it belongs to
};

// A moment of AdamW in a byte a value (Dettmers et al. 2021, arXiv 2110.02861): a block of values shares its largest magnitude, and a value is
// stored as the nearest to its share of that in a map.
struct ByteMoment {
  at::Tensor codes;    // uint8, one a value: places in the map
  at::Tensor scales;   // fp32, one a block
  at::Tensor map;      // fp32 [256], ascending
  at::Tensor borders;  // fp32 [255], of neighbours in the map: a value at a border belongs to the lower
};

// AdamW on moments of which only the codes are kept, of a whole tensor.
struct ByteAdamW {
  at::Tensor weight;  // as in ElementUpdate
  at::Tensor grad;
  ByteMoment m, v;
  double beta1 = 0, beta2 = 0, eps = 0;
  double decay = 0;  // lr weight_decay
  double rate = 0;   // lr / (1 - beta1^t)
  double root = 0;   // sqrt(1 - beta2^t)
  double grad_scale = 1;
  uint64_t rounding_key = 0;
  at::Tensor workspace;  // fp32, a multiple of four blocks: where the CPU has the blocks that it works on
};

// A matrix in NF4 (core/formats/nf4.h), or some rows or columns of it that are whole blocks; elements in rows one after another.
struct Nf4Matrix {
  at::Tensor codes;       // uint8 [elements / 2]: two a byte, the first in the upper half
  at::Tensor magnitudes;  // uint8 [blocks of 64]: codes of the largest magnitude of each
  at::Tensor scales;      // fp32 [blocks of 256 magnitudes]: what their codes are in units of
  double offset = 0;      // mean of the magnitudes, added to all
  // Of a part of a matrix: scales and offset are those of the whole. Block b of the part, the (b % part_blocks)-th of a row of the part,
  // is block first_block + b / part_blocks * whole_blocks + b % part_blocks of the whole.
  int64_t first_block = 0, part_blocks = 1, whole_blocks = 1;
};

class Kernels {
 public:
  virtual ~Kernels() = default;
  // What computes, for logs and benchmarks, e.g. "cpu avx2".
  virtual const char* name() const = 0;

  // a [M, K], b [K, N]: each with adjacent rows or adjacent columns (a transposed view), fp32 or bf16 each; c [M, N] fp32 or
  // bf16, columns adjacent. Sums are fp32 and rounded once. With bf16 operands and fp32 c this accumulates gradients.
  virtual void gemm(const at::Tensor& a, const at::Tensor& b, const at::Tensor& c, GemmScale scale = {}) = 0;

  // Ids below 0 stand for rows that are not in this table: out gets zeros.
  virtual void embedding(const at::Tensor& ids, const at::Tensor& table, const at::Tensor& out) = 0;
  // dtable fp32 [V, D] += rows of dout; ids below 0 add nothing.
  virtual void embedding_backward(const at::Tensor& ids, const at::Tensor& dout, const at::Tensor& dtable) = 0;
  virtual void rms_norm(const RmsNormForward& f) = 0;
  virtual void rms_norm_backward(const RmsNormBackward& b) = 0;
  virtual void layer_norm(const LayerNormForward& f) = 0;
  virtual void layer_norm_backward(const LayerNormBackward& b) = 0;
  virtual void group_norm(const GroupNormForward& f) = 0;
  virtual void group_norm_backward(const GroupNormBackward& b) = 0;
  virtual void rotary(const Rotary& r, Direction direction) = 0;

  virtual void attention(const AttentionShape& s, const Documents& docs, const AttentionForward& f) = 0;
  virtual void attention_backward(const AttentionShape& s, const Documents& docs, const AttentionBackward& b) = 0;
  // New tokens at the end of a conversation: q [n, H E] against keys and values [total, KV E] that end with their own.
  virtual void attention_cached(const AttentionShape& s, const at::Tensor& q, const at::Tensor& keys,
                                const at::Tensor& values, const at::Tensor& out) = 0;

  // y = activation(gate) up: gate_up [N, 2 F], y [N, F].
  virtual void swiglu(const at::Tensor& gate_up, const at::Tensor& y, Activation activation = Activation::silu) = 0;
  // Overwrites gate_up with its gradient.
  virtual void swiglu_backward(const at::Tensor& gate_up, const at::Tensor& dy,
                               Activation activation = Activation::silu) = 0;
  // y = activation(x), [N, F] each, x without gaps; and back: x is overwritten with its gradient.
  virtual void activate(const at::Tensor& x, const at::Tensor& y, Activation activation) = 0;
  virtual void activate_backward(const at::Tensor& x, const at::Tensor& dy, Activation activation) = 0;
  // y = cap tanh(y / cap); and back: dx, the gradient of the result y, becomes that of what it was made from.
  virtual void soft_cap(const at::Tensor& y, double cap) = 0;
  virtual void soft_cap_backward(const at::Tensor& y, const at::Tensor& dx, double cap) = 0;
  virtual void cross_entropy(const CrossEntropy& c) = 0;
  // The same in three passes, for logits of which this rank has some columns; c.targets are columns of this rank, or below 0 where
  // the target is another's. First the maxima, to become those of all ranks; then the sums, to be added up over the ranks; last
  // losses and gradient from both.
  virtual void logit_maxima(const CrossEntropy& c, const LogitStatistics& s) = 0;
  virtual void logit_sums(const CrossEntropy& c, const LogitStatistics& s) = 0;
  virtual void cross_entropy_of(const CrossEntropy& c, const LogitStatistics& s) = 0;
  virtual void dropout(const at::Tensor& x, const at::Tensor& y, DropoutMask mask) = 0;  // y = mask(x) / (1 - rate)
  virtual void dropout_add(const at::Tensor& x, const at::Tensor& y,
                           DropoutMask mask) = 0;  // y += mask(x) / (1 - rate)

  virtual void affine_columns(const ColumnAffine& a) = 0;
  virtual void column_sums(const ColumnSums& s) = 0;

  // Rows of x [*, D] named by int32 indices, in order; and back (rows that are not named stay as they are).
  virtual void gather_rows(const at::Tensor& x, const at::Tensor& rows, const at::Tensor& out) = 0;
  virtual void scatter_rows(const at::Tensor& x, const at::Tensor& rows, const at::Tensor& out) = 0;

  virtual void update(const ElementUpdate& u) = 0;
  virtual void update(const ByteAdamW& u) = 0;
  // Sum of squares over fp32 tensors, accumulated in fp64. The host waits for it: ask once for many.
  virtual double squared_norm(std::span<const at::Tensor> all) = 0;
  double squared_norm(const at::Tensor& x) { return squared_norm(std::span(&x, 1)); }
  virtual bool all_finite(const at::Tensor& x) = 0;
  // dst = scale * src, between fp32 and bf16; 1-D or 2-D with adjacent columns.
  virtual void copy(const at::Tensor& src, const at::Tensor& dst, double scale = 1) = 0;
  // dst += src.
  virtual void add(const at::Tensor& src, const at::Tensor& dst) = 0;

  // out [rows, cols], storage: the matrix' values, computed in fp32 and rounded once.
  virtual void dequantize_nf4(const Nf4Matrix& w, const at::Tensor& out) = 0;

  // Rows of a product with a weight matrix that cost little more than one, because the matrix is read once for all: so many answers are
  // best generated together.
  virtual int64_t few_rows() const = 0;
  // Bytes of scratch held besides the caller's tensors.
  virtual int64_t scratch_bytes() const = 0;
};

// Instruction sets of the CPU loops. COLLIE_CPU=baseline|avx2|avx512 in the environment picks a lower one than the best.
enum class CpuVariant { best, baseline, avx2, avx512 };
std::unique_ptr<Kernels> make_cpu_kernels(CpuVariant variant = CpuVariant::best);
// Kernels of a device. Throws device.unavailable when this build or machine has none for it.
std::unique_ptr<Kernels> make_kernels(at::Device device);

}  // namespace collie
