// What the .cu files offer to cuda_kernels.cpp: plain pointers and strides (in elements) of device memory, on a stream.
// Semantics are those of kernels.h; launches do not synchronize.
#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "core/model/model_traits.h"  // Activation, RotaryPairs
#include "engine/kernels/element_rules.h"

namespace collie::cuda {

enum class Storage : uint8_t { f32, bf16 };

struct NormArgs {
  Storage storage;
  const void* x;
  const void* residual;  // or null
  void* sum;
  const void* weight;
  void* y;
  float* rstd;  // or null
  int64_t x_stride, residual_stride, sum_stride, y_stride;
  int64_t rows, dim;
  float eps, offset;  // y = normed (offset + weight)
};

struct NormBackwardArgs {
  Storage storage;
  const void* x;
  const void* weight;
  const void* dy;
  const float* rstd;
  void* dx;        // or null
  float* dweight;  // or null
  float* partial;  // kNormPartials * dim floats, with dweight
  int64_t x_stride, dy_stride, dx_stride;
  int64_t rows, dim;
  float offset;
};
constexpr int64_t kNormPartials = 128;

void rms_norm(const NormArgs& a, cudaStream_t stream);
void rms_norm_backward(const NormBackwardArgs& a, cudaStream_t stream);

// With the mean taken away first.
struct LayerNormArgs {
  Storage storage;
  const void* x;
  const void* residual;  // or null
  void* sum;
  const void* weight;
  const float* bias;  // or null
  void* y;
  float* rstd;  // or null
  float* mean;  // the same
  int64_t x_stride, residual_stride, sum_stride, y_stride;
  int64_t rows, dim;
  float eps, offset;  // y = normed (offset + weight) + bias
};

struct LayerNormBackwardArgs {
  Storage storage;
  const void* x;
  const void* weight;
  const void* dy;
  const float* rstd;
  const float* mean;
  void* dx;        // or null
  float* dweight;  // or null
  float* partial;  // kNormPartials * dim floats, with dweight
  int64_t x_stride, dy_stride, dx_stride;
  int64_t rows, dim;
  float offset;
};
void layer_norm(const LayerNormArgs& a, cudaStream_t stream);
void layer_norm_backward(const LayerNormBackwardArgs& a, cudaStream_t stream);
// dweight[j] += the sum over kNormPartials rows of `partial`, in order.
void add_norm_partials(const float* partial, float* dweight, int64_t dim, cudaStream_t stream);

// Norms over groups of columns, groups of dim each.
struct GroupNormArgs {
  Storage storage;
  const void* x;
  const void* weight;  // [dim]
  void* y;             // backward: dy, overwritten with dx
  float* rstd;         // [rows, groups]
  float* dweight;      // or null
  float* partial;      // kNormPartials * dim floats, with dweight
  int64_t x_stride, y_stride, rstd_stride, rows, groups, dim;
  float eps, offset;
};
void group_norm(const GroupNormArgs& a, cudaStream_t stream);
void group_norm_backward(const GroupNormArgs& a, cudaStream_t stream);

struct RotaryArgs {
  Storage storage;
  void* x;
  const int32_t* positions;
  const float* cos;
  const float* sin;
  int64_t x_stride, rows, heads, head_dim;
  float sign;    // +1 forward, -1 backward
  int64_t half;  // pairs of a head
  RotaryPairs pairs;
};
void rotary(const RotaryArgs& a, cudaStream_t stream);

// y = activation(x); backward: x is overwritten with its gradient.
struct ActivationArgs {
  Storage storage;
  void* x;
  void* y;  // output, or its gradient
  int64_t x_stride, y_stride, rows, dim;
  Activation activation;
};
void activate(const ActivationArgs& a, cudaStream_t stream);
void activate_backward(const ActivationArgs& a, cudaStream_t stream);

// y = activation(gate) up.
struct GatedArgs {
  Storage storage;
  void* gate_up;
  void* y;  // output, or its gradient
  int64_t gate_up_stride, y_stride, rows, dim;
  Activation activation;
};
void gated(const GatedArgs& a, cudaStream_t stream);
void gated_backward(const GatedArgs& a, cudaStream_t stream);

struct SoftCapArgs {
  Storage storage;
  void* y;
  void* dx;  // or null: forward
  int64_t y_stride, dx_stride, rows, cols;
  float cap;
};
void soft_cap(const SoftCapArgs& a, cudaStream_t stream);
void soft_cap_backward(const SoftCapArgs& a, cudaStream_t stream);

enum class DropoutInto { overwrite, add };
struct DropoutArgs {
  Storage storage;
  const void* x;
  void* y;
  int64_t x_stride, y_stride, rows, cols;
  uint64_t key;
  float rate;
  int64_t first_column;
};
void dropout(const DropoutArgs& a, DropoutInto into, cudaStream_t stream);

struct ColumnAffineArgs {
  Storage storage;
  const void* x;
  const float* factors;  // or null
  const float* shifts;   // or null
  void* y;
  int64_t x_stride, y_stride, rows, cols;
};
void affine_columns(const ColumnAffineArgs& a, cudaStream_t stream);

struct ColumnSumsArgs {
  Storage storage;
  const void* a;
  const void* b;         // or null
  const float* factors;  // or null
  float* sums;
  float* partial;  // kColumnPartials * cols floats
  int64_t a_stride, b_stride, rows, cols;
};
constexpr int64_t kColumnPartials = 64;
void column_sums(const ColumnSumsArgs& a, cudaStream_t stream);

struct RowsArgs {
  Storage storage;
  const void* x;
  const int32_t* rows;
  void* out;
  int64_t x_stride, out_stride, count, dim;
};
void gather_rows(const RowsArgs& a, cudaStream_t stream);   // out[i] = x[rows[i]], or zeros where rows[i] < 0
void scatter_rows(const RowsArgs& a, cudaStream_t stream);  // out[rows[i]] = x[i]
// dtable fp32 [*, dim] += rows of x by id, in the order of the rows; not those of ids below 0.
void embedding_backward(const RowsArgs& a, cudaStream_t stream);

struct LossArgs {
  Storage storage;
  void* logits;
  const int32_t* targets;
  float* losses;
  int32_t* correct;  // or null
  int64_t stride, rows, vocab;
  const float* scales;  // [rows], of the gradient; or null: none
  float* maxima;        // with a shared vocabulary: [rows]; else null
  float* sums;          // [2, rows]
};
void cross_entropy(const LossArgs& a, cudaStream_t stream);
void logit_maxima(const LossArgs& a, cudaStream_t stream);
void logit_sums(const LossArgs& a, cudaStream_t stream);
void cross_entropy_of(const LossArgs& a, cudaStream_t stream);

struct Nf4Args {
  Storage storage;
  const uint8_t* codes;
  const uint8_t* magnitudes;
  const float* scales;
  const float* map;     // [256]
  const float* levels;  // [16]
  void* out;
  int64_t out_stride, rows, cols;
  float offset;
  int64_t first_block, part_blocks, whole_blocks;
};
void dequantize_nf4(const Nf4Args& a, cudaStream_t stream);

struct UpdateArgs {
  Storage storage;  // of the weight
  void* weight;
  const float* grad;
  float* state[4];
  int64_t n;
  float grad_scale;
  uint64_t rounding_key;
  int64_t first_element;
};
// For every rule of element_rules.h.
template <class Rule>
void update(const UpdateArgs& a, const Rule& rule, cudaStream_t stream);

// AdamW on moments in bytes (kernels.h).
struct ByteMomentArgs {
  uint8_t* codes;
  float* scales;
  const float* map;      // [256]
  const float* borders;  // [255]
};
struct ByteAdamWArgs {
  UpdateArgs update;  // without state
  ByteMomentArgs moments[2];
};
void update(const ByteAdamWArgs& a, const AdamWRule& rule, cudaStream_t stream);

struct CopyArgs {
  Storage from, to;
  const void* src;
  void* dst;
  int64_t rows, cols, src_stride, dst_stride;
  float scale;
};
enum class CopyInto { overwrite, add };
void copy(const CopyArgs& a, CopyInto into, cudaStream_t stream);

// Sums of squares of n numbers into square_parts(n) doubles of `partial`, which sum_partials() adds up in order.
constexpr int64_t square_parts(int64_t n) {
  constexpr int64_t kMost = 1024, kNumbers = 4096;  // a block
  return n == 0 ? 0 : n >= kMost * kNumbers ? kMost : (n + kNumbers - 1) / kNumbers;
}
int64_t square_partials(const float* x, int64_t n, double* partial, cudaStream_t stream);
void sum_partials(const double* partial, int64_t parts, double* result, cudaStream_t stream);
// Counts into *result, which must be zero before.
void count_non_finite(Storage storage, const void* x, int64_t n, int32_t* result, cudaStream_t stream);

// Attention in fp32 arithmetic without tensor cores: exact, for fp32 runs and for what the fused kernels do not take.
struct AttentionArgs {
  Storage storage;
  const void* q;
  const void* k;
  const void* v;
  void* out;
  float* lse;              // [heads, rows], or null
  const int32_t* offsets;  // documents + 1
  int64_t q_stride, kv_stride, out_stride;
  int64_t rows, documents, heads, kv_heads, head_dim, window;
  int64_t past;          // keys before the first query (one document only); 0 in training
  float scale, softcap;  // softcap 0: none
};
struct AttentionBackwardArgs {
  AttentionArgs forward;
  const void* dout;
  float* delta;  // [heads, rows] scratch
  void* dq;
  void* dk;
  void* dv;
  int64_t dout_stride, dqkv_stride;
};
constexpr int64_t kMaxHeadDim = 256;
void attention(const AttentionArgs& a, cudaStream_t stream);
void attention_backward(const AttentionBackwardArgs& a, cudaStream_t stream);

}  // namespace collie::cuda
